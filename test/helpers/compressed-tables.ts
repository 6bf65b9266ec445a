// Tables in compressed bodies, written by the reference implementation, which leaves the codecs to its users.
import {
  CompressionType,
  compressionRegistry,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  type Table,
} from 'apache-arrow';
import { lz4Frame, zstdFrame } from './compressed-frames.js';

const encoders = { LZ4_FRAME: lz4Frame, ZSTD: (bytes: Uint8Array) => zstdFrame(bytes, 16) } as const;
for (const name of ['LZ4_FRAME', 'ZSTD'] as const) {
  compressionRegistry.set(CompressionType[name], { encode: (bytes) => encoders[name](bytes) });
}

/** The package writes a buffer's compressed length where the format wants the other. */
function mendLengths(stored: readonly ArrayBufferView[], buffers: readonly ArrayBufferView[]): void {
  for (const [index, { byteLength }] of buffers.entries()) {
    const prefix = stored[2 * index]!;
    if (prefix.byteLength === 0) continue;
    const view = new DataView(prefix.buffer, prefix.byteOffset);
    if (view.getBigInt64(0, true) !== -1n) view.setBigInt64(0, BigInt(byteLength), true);
  }
}

class FileWriter extends RecordBatchFileWriter {
  protected override _compressBodyBuffers(buffers: ArrayBufferView[]) {
    const body = super._compressBodyBuffers(buffers);
    mendLengths(body.buffers, buffers);
    return body;
  }
}

class StreamWriter extends RecordBatchStreamWriter {
  protected override _compressBodyBuffers(buffers: ArrayBufferView[]) {
    const body = super._compressBodyBuffers(buffers);
    mendLengths(body.buffers, buffers);
    return body;
  }
}

/** A table in bodies of compressed buffers. */
export function compressedTable(table: Table, kind: 'stream' | 'file', codec: keyof typeof encoders): Buffer {
  const Writer = kind === 'file' ? FileWriter : StreamWriter;
  const writer = new Writer({ compressionType: CompressionType[codec] });
  writer.writeAll(table);
  return Buffer.from(writer.finish().toUint8Array(true));
}
