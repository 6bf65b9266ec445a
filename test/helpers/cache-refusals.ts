// The refusals of calls with a cache as a table: an engine and a layer for the file, and one test a change.
import test from 'ava';
import {
  createEngine,
  type AttentionOptions,
  type CrossInputs,
  type Engine,
  type ErrorCode,
  type KeyValueCache,
  type MultiHeadAttention,
  type TensorLike,
} from '../../src/index.js';
import { assertRefused } from './assertions.js';
import { cachedCase, layerOf } from './cached-case.js';

const given = cachedCase({ tokens: 1 });

export interface Opened {
  readonly engine: Engine;
  /** 10 inputs. */
  readonly layer: MultiHeadAttention;
  /** Of 10 tokens for 2 sequences, 4 of which are there. */
  readonly cache: KeyValueCache;
}

/** What a call is given instead of 3 new tokens of 2 sequences, and beside the cache. */
export type Change = AttentionOptions & { readonly input?: TensorLike | CrossInputs };

type Refuse = (
  title: string,
  change: (opened: Opened) => Change | Promise<Change>,
  message: string,
  code?: ErrorCode,
) => void;

/** Starts the engine of a test file. What it returns declares a test that a call with a change is refused. */
export function openRefuser(): Refuse {
  let engine: Engine;
  let layer: MultiHeadAttention;
  test.before('starts an engine', async () => {
    engine = await createEngine({ kernel: 'reference', threads: 1 });
    layer = await engine.multiHeadAttention(layerOf(given));
  });
  test.after.always('closes the engine', async () => {
    await engine.close();
  });
  return (title, change, message, code = 'INVALID_OPTION') => {
    test(title, async (t) => {
      const cache = layer.createCache({ maxTokens: 10, batch: 2 });
      await layer.forward(engine.tensor([2, 4, 10]), { cache });
      const changed = await change({ engine, layer, cache });
      const { input = engine.tensor([2, 3, 10]), ...options } = changed;
      await assertRefused(t, () => layer.forward(input, { cache, ...options }), { code, message });
      t.deepEqual(cache.tokens, [4, 4]);
      await layer.forward(engine.tensor([2, 6, 10]), { cache });
      cache.dispose();
    });
  };
}
