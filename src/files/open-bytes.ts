// Opens the bytes of a file: those inside where its name says that it is compressed.
import { invalidFile } from '../core/errors.js';
import { openByteSource, type ByteOrigin, type ByteSource } from './byte-source.js';
import { splitCompression } from './compression/compressed-path.js';
import { gunzip } from './compression/gzip-source.js';

/**
 * Reads from `position` of what is inside on; that of a compressed file is found by decompressing all before it.
 * @throws FILE_FAILED; INVALID_FILE if a compressed file is damaged or ends before `position`
 */
export async function openBytes(origin: ByteOrigin, position = 0): Promise<ByteSource> {
  const { path, bytes } = origin;
  const { compression } = splitCompression(path);
  if (bytes !== undefined || compression === undefined) return openByteSource(origin, position);
  const source = await openByteSource({ path });
  try {
    const { unzstd } = await import('./compression/zstd-source.js');
    const inside = compression === 'gzip' ? gunzip(path, source) : unzstd(path, source);
    return position === 0 ? inside : await skipBytes(path, inside, position);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function skipBytes(path: string, source: ByteSource, position: number): Promise<ByteSource> {
  let passed = 0;
  let rest: Uint8Array | undefined;
  while (passed < position) {
    const chunk = await source.read();
    if (chunk === undefined)
      throw invalidFile(path, `at least the ${position} bytes read before`, 'size', passed);
    passed += chunk.length;
    rest = chunk.subarray(chunk.length - Math.max(0, passed - position));
  }
  return {
    size: source.size,
    async read() {
      const held = rest;
      rest = undefined;
      return held === undefined || held.length === 0 ? source.read() : held;
    },
    close: () => source.close(),
  };
}
