// The files that a command writes are as many as it says, and none of them is one that it reads.
import { expected } from '../core/errors.js';
import { PathIdentities } from './path-identity.js';

/** A path to write, and the option that says so. */
export interface WrittenPath {
  readonly path: string;
  readonly option: string;
}

/** @throws INVALID_OPTION if what is written is read too, or written twice, under one name or several */
export async function refuseClashes(written: readonly WrittenPath[], read: readonly string[]): Promise<void> {
  const identities = new PathIdentities();
  const taken = new Map<string, WrittenPath>();
  for (const own of written) {
    for (const key of await identities.keysOf(own.path)) {
      const other = taken.get(key);
      if (other !== undefined && other !== own) throw clash(own, other);
      taken.set(key, own);
    }
  }
  for (const path of read) {
    for (const key of await identities.keysOf(path)) {
      const own = taken.get(key);
      if (own !== undefined)
        throw expected('INVALID_OPTION', 'a file that is not read', own.option, own.path);
    }
  }
}

function clash({ option, path }: WrittenPath, other: WrittenPath): Error {
  const what =
    option === other.option
      ? `a file of its own beside ${other.path}`
      : `a file other than that of \`${other.option}\``;
  return expected('INVALID_OPTION', what, option, path);
}
