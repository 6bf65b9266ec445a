// What the tests of reading Arrow share: a table in three batches, and the check that bytes are refused.
import test, { type ExecutionContext } from 'ava';
import { assertRefused } from './assertions.js';
import { chunksOf, countUp, openArrow, readAll } from './arrow-tables.js';
import { soon } from './cpu-time.js';
import { writeScratch } from '../files/scratch.js';

/** The two containers of record batches. */
export const kinds = ['stream', 'file'] as const;

/** All that is read of them. */
export const everything = {
  lengths: [1, 0, 3, 2, 1, 4],
  names: ['a', null, 'ü', 'd', 'e', ''],
  numbers: countUp(11).flat(),
  damages: [],
};

/** Opens `bytes` as a file. */
export const openBytes = async (
  t: ExecutionContext,
  bytes: Uint8Array,
  source?: Parameters<typeof openArrow>[1],
) => openArrow(await writeScratch(t, 'a.arrow', bytes), source);

/** Refused from a file, soon, with a message that names `what`. */
export const refuses = test.macro({
  title: (title) => `An Arrow file is refused: ${title ?? ''}`,
  exec: async (t: ExecutionContext, bytes: Uint8Array, what: string) => {
    const path = await writeScratch(t, 'a.arrow', bytes);
    const read = () => soon(t, async () => readAll(await openArrow(path)));
    await assertRefused(t, read, {
      code: 'INVALID_FILE',
      path: `${path}: `,
      what,
    });
  },
});

/** Refused from a file and from a pipe. */
export function refusesStream(title: string, bytes: Uint8Array, what: string): void {
  test(title, refuses, bytes, what);
  test(`A pipe is refused: ${title}`, async (t) => {
    await assertRefused(t, async () => readAll(await openArrow('-', { bytes: chunksOf(bytes, 50) })), {
      code: 'INVALID_FILE',
      path: '-: ',
      what,
    });
  });
}

/** A copy of `bytes` with changes. */
export const patched = (bytes: Uint8Array, patch: (copy: Buffer) => unknown): Buffer => {
  const copy = Buffer.from(bytes);
  patch(copy);
  return copy;
};
