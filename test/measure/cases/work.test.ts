// Work and memory in closed form against what an engine counts.
import test from 'ava';
import { createEngine, type Engine } from '../../../src/engine/engine.js';
import { outsideBytes, planCase } from '../../../src/measure/cases/plan.js';
import { measureWorkingBytes, prepareCase } from '../../../src/measure/cases/prepare.js';
import { isForCaches, optionNames } from '../../../src/measure/cases/options.js';
import { nameOfCase, type BenchCase } from '../../../src/measure/grid/results.js';
import { bytesRead, fillTokens, flopOf, weightCount } from '../../../src/measure/cases/work.js';
import { caseOf } from '../grid/grid-case.js';

let engine: Engine;
test.before('starts an engine', async (t) => {
  engine = await createEngine({ kernel: 'reference', threads: 1 });
  t.pass();
});
test.after.always('closes the engine', async (t) => {
  await engine.close();
  t.pass();
});

const changes: readonly Partial<BenchCase>[] = [
  {},
  { causal: true },
  { window: 3 },
  { causal: true, window: 3, batch: 2 },
  { window: 50, kvHeads: 2 },
  { mode: 'attention', causal: true },
  { mode: 'attention', window: 2, kvHeads: 1, batch: 3 },
  { mode: 'decode', tokens: 300 },
  { mode: 'decode', tokens: 300, window: 7, batch: 2, kvHeads: 2, dtype: 'bf16' },
];

const optionChanges = optionNames.slice(1).flatMap((options): Partial<BenchCase>[] => [
  { mode: 'attention', options, tokens: 170 },
  { mode: 'attention', options, causal: true, tokens: 170, kvHeads: 2 },
  // The norms of what heads contribute to a layer are extra work, which is not the attention's.
  ...(options === 'head-statistics' ? [] : [{ options, tokens: 170, batch: 2 }]),
  ...(isForCaches(options) && options !== 'head-statistics'
    ? [{ mode: 'decode' as const, options, tokens: 300 }]
    : []),
]);

// Heads of whole panels, however wide a kernel's are.
const wide = (change: Partial<BenchCase>): BenchCase => caseOf({ modelDim: 64, headDim: 16, ...change });

for (const benchCase of [...changes, ...optionChanges].map(wide)) {
  test.serial(`${nameOfCase(benchCase)}: the work is what the engine counts`, async (t) => {
    using prepared = await prepareCase(engine, benchCase);
    const before = engine.stats().flop;
    await prepared.call();
    t.is(engine.stats().flop - before, flopOf(benchCase));
  });
}

for (const benchCase of changes.map(wide)) {
  test.serial(`${nameOfCase(benchCase)}: the memory is about what the engine takes`, async (t) => {
    using prepared = await prepareCase(engine, benchCase);
    const found = await measureWorkingBytes(engine, prepared);
    const counted = planCase(benchCase).engineBytes;
    const { mode, batch, modelDim } = benchCase;
    // Panels may have another width. Filling a cache counts too: queries, keys, values and outputs of many tokens.
    const filling = mode === 'decode' ? 4 * 4 * batch * fillTokens(benchCase) * modelDim : 0;
    t.true(counted >= 0.9 * found, `${counted} against ${found}`);
    t.true(counted <= 1.1 * found + filling, `${counted} against ${found}`);
  });
}

test('memory goes back when a case is disposed', async (t) => {
  const own = engine.stats().memoryBytes;
  for (const mode of ['layer', 'attention', 'decode'] as const) {
    const prepared = await prepareCase(engine, caseOf({ mode }));
    await prepared.call();
    prepared[Symbol.dispose]();
  }
  t.is(engine.stats().memoryBytes, own);
});

test('only decoding is bound by what it reads: weights, and keys and values as they are stored', (t) => {
  t.is(bytesRead(caseOf()), 0);
  const weights = 4 * (4 * 32 * 32 + 4 * 32);
  t.is(bytesRead(caseOf({ mode: 'decode', tokens: 9 })), weights + 2 * 10 * 32 * 4);
  t.is(bytesRead(caseOf({ mode: 'decode', tokens: 9, window: 4, dtype: 'f16' })), weights + 2 * 5 * 32 * 2);
});

test('planning takes no memory of the size that it plans', (t) => {
  const huge = caseOf({ modelDim: 4096, heads: 32, headDim: 128, kvHeads: 32, tokens: 65_536 });
  t.true(planCase(huge).engineBytes > 4 * 2 ** 30);
  t.true(outsideBytes(huge) > 3 * 2 ** 30);
  t.true(process.memoryUsage.rss() < 2 * 2 ** 30);
});

test.serial('the packed weights are told apart from what calls and caches take', async (t) => {
  const weightBytes = 4 * weightCount(caseOf());
  for (const mode of ['layer', 'decode'] as const) {
    using prepared = await prepareCase(engine, caseOf({ mode, tokens: 300 }));
    t.true(prepared.fixedBytes >= weightBytes && prepared.fixedBytes < 1.5 * weightBytes);
    t.true((await measureWorkingBytes(engine, prepared)) > prepared.fixedBytes);
  }
});

test.serial('the memory of a call grows with the tokens', async (t) => {
  const bytesOf = async (tokens: number): Promise<number> => {
    using prepared = await prepareCase(engine, caseOf({ tokens }));
    return (await measureWorkingBytes(engine, prepared)) - prepared.fixedBytes;
  };
  // q, k, v and the concatenation, in float32.
  t.is(await bytesOf(256), 4 * 4 * 256 * 32);
  t.is(await bytesOf(1024), 4 * 4 * 1024 * 32);
});
