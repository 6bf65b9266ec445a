// Shared memory that there isn't: refused before it is asked for, or when the system refuses.
import test from 'ava';
import { readMachineLimits } from '../../../src/core/machine/machine-limits.js';
import { allocateShared } from '../../../src/core/tensor/shared-memory.js';
import { createTensor } from '../../../src/core/tensor/tensor.js';
import { assertRefused } from '../../helpers/assertions.js';

/** Runs `action` where SharedArrayBuffer is made by `make`. */
async function withAllocator(make: () => never, action: () => Promise<void>): Promise<void> {
  const original = globalThis.SharedArrayBuffer;
  globalThis.SharedArrayBuffer = function () {
    return make();
  } as unknown as typeof SharedArrayBuffer;
  try {
    await action();
  } finally {
    globalThis.SharedArrayBuffer = original;
  }
}

test('memory is zeros', (t) => {
  t.deepEqual(new Uint8Array(allocateShared(5)), new Uint8Array(5));
  t.is(allocateShared(0).byteLength, 0);
});

test.serial('more than the machine has is refused before it is asked for', async (t) => {
  const bytes = readMachineLimits().memoryBytes + 1;
  const asked = () => {
    throw new Error('it was asked for');
  };
  await withAllocator(asked, () =>
    assertRefused(t, () => allocateShared(bytes), {
      code: 'MEMORY_LIMIT',
      what: 'that this process may use',
    }),
  );
});

test.serial('what the system refuses is an error with its reason', async (t) => {
  const cause = new RangeError('Array buffer allocation failed');
  const refuse = () => {
    throw cause;
  };
  await withAllocator(refuse, async () => {
    for (const allocate of [() => allocateShared(2 ** 20), () => createTensor([2 ** 18])]) {
      await assertRefused(t, allocate, {
        code: 'MEMORY_LIMIT',
        message: 'The system has no 1.0 MiB of memory left',
      });
    }
    t.is(t.throws(() => allocateShared(1)).cause, cause);
  });
});
