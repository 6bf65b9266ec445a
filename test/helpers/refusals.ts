// The refusals of engine.attention as a table: an engine for the file, operands that are right, and one test a change.
import test from 'ava';
import { createEngine, type AttentionInputs, type Engine, type ErrorCode } from '../../src/index.js';
import { assertRefused } from './assertions.js';
import { normalTensor } from './random.js';

/** 3 queries on 7 keys, 4 heads on 2. */
export const inputs: AttentionInputs = {
  q: normalTensor([2, 4, 3, 5], 1),
  k: normalTensor([2, 2, 7, 5], 2),
  v: normalTensor([2, 2, 7, 6], 3),
};

/** Heads side by side. */
export const beside: AttentionInputs = {
  q: normalTensor([2, 3, 20], 1),
  k: normalTensor([2, 3, 20], 2),
  v: normalTensor([2, 3, 20], 3),
  heads: 4,
};

/** What offsets may cut. */
export const ragged: AttentionInputs = {
  q: normalTensor([6, 20], 1),
  k: normalTensor([6, 20], 2),
  v: normalTensor([6, 20], 3),
  heads: 4,
};

/** Starts the engine of a test file. Arguments are checked before any kernel sees them, so one kernel is enough. */
export function openEngine(): () => Engine {
  let engine: Engine;
  test.serial.before('starts an engine', async () => {
    engine = await createEngine({ kernel: 'reference', threads: 1 });
  });
  test.after.always('closes the engine', async () => {
    await engine.close();
  });
  return () => engine;
}

type Refuse = (title: string, change: object, code: ErrorCode, ...words: string[]) => void;

/** Declares a test that `base` with a change is refused with `code` and a message that holds every one of `words`. */
export function refuserOf(engineOf: () => Engine, base: AttentionInputs): Refuse {
  return (title, change, code, ...words) => {
    test(title, async (t) => {
      const given: AttentionInputs = { ...base, ...change };
      await assertRefused(t, () => engineOf().attention(given), { code, what: words });
    });
  };
}
