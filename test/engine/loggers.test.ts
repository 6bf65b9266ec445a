// What a host's logger can do to the calls of an engine: nothing.
import test, { type ExecutionContext } from 'ava';
import { createEngine, type EngineOptions, type Logger } from '../../src/index.js';
import { assertRefused } from '../helpers/assertions.js';
import { normalTensor } from '../helpers/random.js';

const throwing = new Error('the disk of the log is full');

for (const [title, logger] of [
  ['null', null],
  ['a number', 5],
  ['an object without `warn`', { error: () => undefined }],
  ['a `warn` that is no function', { warn: 'loud' }],
] as const) {
  test(`a logger that is ${title} is refused before a thread starts`, async (t) => {
    await assertRefused(t, () => createEngine({ logger } as unknown as EngineOptions), {
      code: 'INVALID_OPTION',
      what: 'an object with a method `warn` for `logger`',
    });
  });
}

/** Ends the worker of a call that is under way, and of none: that call and the ones after it are right. */
async function assertHarmless(t: ExecutionContext, logger: Logger): Promise<void> {
  await using engine = await createEngine({ kernel: 'reference', threads: 1, logger });
  const small = {
    q: normalTensor([1, 2, 3, 4], 1),
    k: normalTensor([1, 2, 3, 4], 2),
    v: normalTensor([1, 2, 3, 4], 3),
  };
  const { output: wanted } = await engine.attention(small);
  const x = normalTensor([1, 4, 700, 16], 4);
  const out = engine.tensor(x.shape);
  const call = engine.attention({ q: x, k: x, v: x, out });
  while (out.data.every((value) => value === 0)) await new Promise((resolve) => setTimeout(resolve, 5));
  await engine.terminateWorker(0);
  const again = await engine.attention({ q: x, k: x, v: x });
  t.deepEqual((await call).output.data, again.output.data);
  t.deepEqual((await engine.attention(small)).output.data, wanted.data);
  await engine.terminateWorker(0);
  t.deepEqual((await engine.attention(small)).output.data, wanted.data);
}

test('a logger that throws changes nothing', async (t) => {
  t.timeout(60_000);
  await assertHarmless(t, {
    warn: () => {
      throw throwing;
    },
  });
});

test('a logger whose promise rejects changes nothing', async (t) => {
  t.timeout(60_000);
  await assertHarmless(t, { warn: () => Promise.reject(throwing) as unknown as undefined });
});

test('a logger that loses its method changes nothing', async (t) => {
  t.timeout(60_000);
  const logger: { warn?: () => void } = { warn: () => undefined };
  const harmless = assertHarmless(t, logger as Logger);
  delete logger.warn;
  await harmless;
});

test('a logger is called as a method, and so is the one that takes its place', async (t) => {
  class Log {
    readonly #lines: string[] = [];
    get lines(): readonly string[] {
      return this.#lines;
    }
    warn(message: string): void {
      this.#lines.push(message);
    }
  }
  const log = new Log();
  await assertHarmless(t, log);
  t.is(log.lines.length, 3);
  t.regex(log.lines[0]!, /^worker 0 ended /);
});

test('a `warn` that throws as it is looked up fails the start with its own error', async (t) => {
  const logger = {
    get warn(): never {
      throw throwing;
    },
  };
  t.is(await t.throwsAsync(createEngine({ logger })), throwing);
});
