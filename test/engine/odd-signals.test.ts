// AbortSignals with something of their own in front of them: calls settle, and the engine closes.
import test, { type ExecutionContext } from 'ava';
import { createEngine, type Engine } from '../../src/index.js';
import { normalTensor } from '../helpers/random.js';

const x = normalTensor([1, 2, 3, 4], 1);
const names = ['aborted', 'reason', 'throwIfAborted', 'addEventListener', 'removeEventListener'] as const;

/** Runs calls on an engine that must then be usable and close. */
async function withEngine(t: ExecutionContext, use: (engine: Engine) => Promise<void>): Promise<void> {
  t.timeout(60_000);
  const engine = await createEngine({ kernel: 'reference', threads: 1 });
  await use(engine);
  await engine.attention({ q: x, k: x, v: x });
  t.is(engine.stats().calls.open, 0);
  await engine.close();
}

for (const name of names) {
  test(`a signal whose \`${name}\` throws fails its call at most, with its own error`, async (t) => {
    const error = new Error('on purpose');
    const { signal } = new AbortController();
    Object.defineProperty(signal, name, {
      get: () => {
        throw error;
      },
    });
    await withEngine(t, async (engine) => {
      const ending = await engine.attention({ q: x, k: x, v: x, signal }).catch((reason: unknown) => reason);
      if (ending instanceof Error) t.is(ending, error);
      else t.deepEqual((ending as { output: typeof x }).output.shape, [1, 2, 3, 4]);
    });
  });
}

test('a signal whose reason throws cancels with what it throws', async (t) => {
  const error = new Error('on purpose');
  const controller = new AbortController();
  Object.defineProperty(controller.signal, 'reason', {
    get: () => {
      throw error;
    },
  });
  await withEngine(t, async (engine) => {
    const long = normalTensor([1, 4, 1500, 16], 2);
    const call = engine.attention({ q: long, k: long, v: long, signal: controller.signal });
    controller.abort();
    await t.throwsAsync(call, { is: error });
  });
});

test('a signal with a listener that is watched, and a proxy of one, cancel as any other', async (t) => {
  await withEngine(t, async (engine) => {
    for (const dress of [
      (signal: AbortSignal) =>
        Object.assign(signal, { addEventListener: signal.addEventListener.bind(signal) }),
      (signal: AbortSignal) => new Proxy(signal, {}),
    ]) {
      const controller = new AbortController();
      const signal = dress(controller.signal);
      const reason = new Error('enough');
      const long = normalTensor([1, 4, 1500, 16], 2);
      const call = engine.attention({ q: long, k: long, v: long, signal });
      controller.abort(reason);
      await t.throwsAsync(call, { is: reason });
      await t.throwsAsync(engine.attention({ q: x, k: x, v: x, signal }), { is: reason });
    }
  });
});
