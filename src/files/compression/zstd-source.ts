// Decompresses the bytes of a .zst file block by block. The package fzstd would do but for what damaged files cost: it trusts
// a header with any memory and a block with any length, and passes over checksums.
import { Breather } from '../../core/breather.js';
import { HeadpoolError, invalidFile } from '../../core/errors.js';
import type { ByteSource } from '../byte-source.js';
import { ByteTaker } from './byte-taker.js';
import { XxHash64 } from './xxh64.js';
import { blockHeaderBytes, readBlockHeader } from './zstd-format.js';
import { readFrameHeader, isSkipped, type FrameHeader } from './zstd-header.js';
import { ZstdWindow } from './zstd-window.js';

/** What `source` holds, decompressed. Closes with it. @throws INVALID_FILE from `read`, naming `data` */
export function unzstd(path: string, source: ByteSource): ByteSource {
  const chunks = readFrames(path, new ByteTaker(source));
  return {
    size: undefined,
    read: async () => {
      const { done, value } = await chunks.next();
      return done === true ? undefined : value;
    },
    close: () => source.close(),
  };
}

async function* readFrames(path: string, bytes: ByteTaker): AsyncGenerator<Uint8Array, void> {
  const take = async (count: number): Promise<Uint8Array> => {
    const taken = await bytes.take(count);
    if (taken !== undefined) return taken;
    throw invalidFile(path, 'a Zstandard stream that goes on', 'data', `the end after ${bytes.taken} bytes`);
  };
  let frames = 0;
  while (!(await bytes.isAtEnd())) {
    const start = await take(4);
    if (isSkipped(start)) {
      const length = Buffer.from(await take(4)).readUInt32LE();
      for (let left = length; left > 0;) left -= (await take(Math.min(left, 2 ** 16))).length;
    } else {
      yield* readFrame(path, await readFrameHeader(path, start, take), take);
    }
    frames++;
  }
  if (frames === 0) throw invalidFile(path, 'a Zstandard stream', 'data', undefined);
}

async function* readFrame(
  path: string,
  header: FrameHeader,
  take: (count: number) => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  const { contentLength, hasChecksum, mostBlockBytes } = header;
  const damaged = (found: string): HeadpoolError => invalidFile(path, 'a Zstandard stream', 'data', found);
  const window = new ZstdWindow(header);
  const hash = new XxHash64();
  const breather = new Breather();
  let length = 0;
  for (let isAtEnd = false; !isAtEnd;) {
    if (breather.isDue) await breather.rest();
    const start = await take(blockHeaderBytes);
    const block = readBlockHeader(start);
    if (block.type === undefined || block.size > mostBlockBytes) {
      const bits = Buffer.from(start).readUIntLE(0, blockHeaderBytes);
      throw invalidFile(path, `a block of at most ${mostBlockBytes} bytes`, 'data', bits);
    }
    const bytes = await take(block.byteLength);
    let chunk: Uint8Array;
    try {
      chunk = window.decode(block, bytes);
    } catch (cause) {
      const { message } = cause as Error;
      throw new HeadpoolError('INVALID_FILE', damaged(message).message, { cause });
    }
    length += chunk.length;
    if (length > (contentLength ?? length)) throw damaged('more bytes than its header says');
    if (hasChecksum) hash.add(chunk);
    if (chunk.length > 0) yield chunk;
    isAtEnd = block.isLast;
  }
  if (length !== (contentLength ?? length)) throw damaged(`${length} bytes in a frame`);
  if (!hasChecksum) return;
  if (Buffer.from(await take(4)).readUInt32LE() !== hash.low32()) throw damaged('a wrong checksum');
}
