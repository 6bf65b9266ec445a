// Decompresses the bytes of a .zst file block by block. Frames are cut here and their blocks handed to fzstd, because
// that trusts a frame's header with any memory and passes over its checksum.
// Format: https://github.com/facebook/zstd/blob/dev/doc/zstd_compression_format.md
import { Decompress } from 'fzstd';
import { HeadpoolError, invalidFile } from '../../core/errors.js';
import type { ByteSource } from '../byte-source.js';
import { ByteTaker } from './byte-taker.js';
import { XxHash64 } from './xxh64.js';
import { readFrameHeader, isSkipped, type FrameHeader } from './zstd-header.js';

const repeatedBlock = 1;
const unknownBlock = 3;

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
  const decoder = new FrameDecoder(path);
  const hash = new XxHash64();
  let length = 0n;
  decoder.push(header.bytes, false);
  for (let isLast = false; !isLast;) {
    const start = await take(3);
    const bits = start[0]! | (start[1]! << 8) | (start[2]! << 16);
    isLast = (bits & 1) === 1;
    const [kind, size] = [(bits >> 1) & 3, bits >> 3];
    if (kind === unknownBlock || size > header.mostBlockBytes) {
      throw invalidFile(path, `a block of at most ${header.mostBlockBytes} bytes`, 'data', bits);
    }
    const block = await take(kind === repeatedBlock ? 1 : size);
    const checksum = isLast && header.hasChecksum ? await take(4) : new Uint8Array();
    for (const chunk of decoder.push(Buffer.concat([start, block, checksum]), isLast)) {
      length += BigInt(chunk.length);
      if (length > (header.contentLength ?? length)) throw decoder.damaged('more bytes than its header says');
      if (header.hasChecksum) hash.add(chunk);
      yield chunk;
    }
    if (!isLast) continue;
    if (length !== (header.contentLength ?? length)) throw decoder.damaged(`${length} bytes in a frame`);
    if (header.hasChecksum && Buffer.from(checksum).readUInt32LE() !== hash.low32()) {
      throw decoder.damaged('a wrong checksum');
    }
  }
}

/** fzstd, whose errors are plain ones. */
class FrameDecoder {
  readonly #path: string;
  #chunks: Uint8Array[] = [];
  readonly #decoder = new Decompress((chunk) => this.#chunks.push(chunk));

  constructor(path: string) {
    this.#path = path;
  }

  push(bytes: Uint8Array, isLast: boolean): Uint8Array[] {
    this.#chunks = [];
    try {
      this.#decoder.push(bytes, isLast);
    } catch (cause) {
      throw new HeadpoolError(
        'INVALID_FILE',
        this.damaged(cause instanceof Error ? cause.message : 'damage').message,
        { cause },
      );
    }
    return this.#chunks;
  }

  damaged(found: string): HeadpoolError {
    return invalidFile(this.#path, 'a Zstandard stream', 'data', found);
  }
}
