// How the name of a file says that it is compressed: `.gz` or `.zst` after the extension of what is inside.
import { extname } from 'node:path';

export type Compression = 'gzip' | 'zstd';

const compressionOf: ReadonlyMap<string, Compression> = new Map([
  ['.gz', 'gzip'],
  ['.zst', 'zstd'],
]);

/** With their dots. */
export const compressedExtensions: readonly string[] = [...compressionOf.keys()];

/** The compression that a path tells, and the path without it. */
export function splitCompression(path: string): {
  readonly path: string;
  readonly compression: Compression | undefined;
} {
  const extension = extname(path);
  const compression = compressionOf.get(extension.toLowerCase());
  return { path: compression === undefined ? path : path.slice(0, -extension.length), compression };
}
