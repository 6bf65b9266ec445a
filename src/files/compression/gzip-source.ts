// Inflates the bytes of a .gz file a chunk at a time, whatever they swell to. zlib checks each member's checksum.
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { invalidFile } from '../../core/errors.js';
import { systemCodeOf } from '../attempt.js';
import type { ByteSource } from '../byte-source.js';

/** How much is inflated at a time. */
const chunkBytes = 2 ** 18;

/** What zlib calls a stream that is damaged, and one that ends early. */
const zlibErrors: readonly unknown[] = ['Z_DATA_ERROR', 'Z_BUF_ERROR', 'Z_NEED_DICT'];

/** What `source` holds, inflated. Closes with it. @throws INVALID_FILE from `read`, naming `data` */
export function gunzip(path: string, source: ByteSource): ByteSource {
  const inflater = createGunzip({ chunkSize: chunkBytes });
  // Errors of both sides come out of `read`.
  pipeline(copiesOf(source), inflater, () => undefined);
  const chunks = (inflater as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  return {
    size: undefined,
    async read() {
      try {
        const next = await chunks.next();
        if (next.done !== true) return next.value;
      } catch (error) {
        if (!(error instanceof Error && zlibErrors.includes(systemCodeOf(error)))) throw error;
        throw invalidFile(path, 'a gzip stream', 'data', error.message);
      }
      // zlib takes what is no member after the first for padding, and nothing at all for a stream.
      const { bytesWritten } = inflater;
      if (bytesWritten > 0 && (source.size ?? bytesWritten) === bytesWritten) return undefined;
      throw invalidFile(path, `a gzip stream of all ${source.size ?? 'its'} bytes`, 'data', bytesWritten);
    },
    async close() {
      inflater.destroy();
      await source.close();
    },
  };
}

/** New bytes each, because the inflater may still be reading the last when the source fills its chunk again. */
async function* copiesOf(source: ByteSource): AsyncGenerator<Uint8Array, void> {
  for (let chunk; (chunk = await source.read()) !== undefined;) yield chunk.slice();
}
