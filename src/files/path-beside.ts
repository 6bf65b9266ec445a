// Names of files that lie beside another one and belong to it.
import { createHash, randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';

/** Of UTF-8, on most file systems. */
const mostNameBytes = 255;

/**
 * The file beside `path` that has its name between `prefix` and `suffix`. Of a name that leaves no room for them its
 * beginning and a hash are taken.
 */
export function pathBeside(path: string, suffix: string, prefix = ''): string {
  const name = basename(path);
  const room = mostNameBytes - Buffer.byteLength(prefix + suffix);
  const held = Buffer.byteLength(name) <= room ? name : shorten(name, room);
  return join(dirname(path), `${prefix}${held}${suffix}`);
}

/** A new name beside `path`, for what gets that name when it is whole. */
export function inventDraftPath(path: string): string {
  return pathBeside(path, `.${process.pid}-${randomBytes(6).toString('hex')}.tmp`, '.');
}

function shorten(name: string, mostBytes: number): string {
  const hash = `~${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;
  // A character that is cut in two becomes a replacement.
  const start = Buffer.from(name)
    .toString('utf8', 0, mostBytes - hash.length)
    .replace(/\uFFFD+$/, '');
  return start + hash;
}
