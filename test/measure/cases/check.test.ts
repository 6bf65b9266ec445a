// The check before anything is timed: right results pass on every kernel, seeded bugs don't.
import test, { type ExecutionContext } from 'ava';
import type { Engine } from '../../../src/engine/engine.js';
import type { Tensor } from '../../../src/core/tensor/tensor.js';
import { isForCaches, optionNames } from '../../../src/measure/cases/options.js';
import { prepareCase, type CaseEngine } from '../../../src/measure/cases/prepare.js';
import { nameOfCase, type BenchCase } from '../../../src/measure/grid/results.js';
import { kernels, openEngines } from '../../helpers/engines.js';
import { caseOf } from '../grid/grid-case.js';

const engineOf = openEngines(2);

const changes: readonly Partial<BenchCase>[] = [
  {},
  { causal: true, window: 3, kvHeads: 2, batch: 2 },
  { window: 0 },
  { dtype: 'f16', tokens: 1 },
  // Too large to be checked whole.
  { modelDim: 192, headDim: 48, tokens: 150, batch: 2, causal: true },
  { mode: 'attention' },
  { mode: 'attention', causal: true, window: 2, kvHeads: 1, batch: 3, dtype: 'bf16' },
  { mode: 'attention', tokens: 700, headDim: 64, modelDim: 256, kvHeads: 2, causal: true },
  { mode: 'decode' },
  { mode: 'decode', tokens: 300, kvHeads: 2, batch: 3, window: 5 },
  { mode: 'decode', tokens: 700, dtype: 'f16' },
  { mode: 'decode', tokens: 700, dtype: 'bf16', batch: 2 },
  // Too many tokens for all rows to be checked, so that fewer are checked whole.
  { mode: 'attention', options: 'head-statistics', tokens: 170, batch: 2 },
  { mode: 'decode', options: 'softcap', tokens: 300 },
  ...optionNames
    .slice(1)
    .flatMap((options): Partial<BenchCase>[] => [
      { mode: 'attention', options, tokens: 40, batch: 2 },
      { mode: 'layer', options, kvHeads: 2, causal: true },
      ...(isForCaches(options) ? [{ mode: 'decode' as const, options, tokens: 60 }] : []),
    ]),
];

for (const kernel of kernels) {
  for (const change of changes) {
    const benchCase = caseOf({ ...change, kernel, threads: 2 });
    test(`${nameOfCase(benchCase)} is right`, async (t) => {
      t.true((await errorOf(engineOf(kernel), benchCase)) < 1e-2);
    });
  }
}

async function errorOf(engine: CaseEngine, benchCase: BenchCase, operandsOf = benchCase): Promise<number> {
  using prepared = await prepareCase(engine, operandsOf);
  return await prepared.check(nameOfCase(benchCase), benchCase);
}

/** An engine whose outputs are changed. */
function spoil(engine: Engine, change: (output: Tensor) => void): CaseEngine {
  return {
    stats: () => engine.stats(),
    attention: async (inputs) => {
      const result = await engine.attention(inputs);
      change(result.output);
      return result;
    },
    multiHeadAttention: async (options) => {
      const layer = await engine.multiHeadAttention(options);
      const forward = layer.forward.bind(layer);
      layer.forward = async (...args) => {
        const result = await forward(...args);
        change(result.output);
        return result;
      };
      return layer;
    },
  };
}

const isFound = test.macro({
  title: (title) => `${title} is found`,
  exec: async (t: ExecutionContext, change: Partial<BenchCase>, bug: (output: Tensor) => void) => {
    const benchCase = caseOf(change);
    const engine = spoil(engineOf('reference'), bug);
    const error = await t.throwsAsync(errorOf(engine, benchCase), { instanceOf: RangeError });
    t.true(error.message.startsWith(`${nameOfCase(benchCase)}: `), error.message);
    t.regex(
      error.message,
      /(head \d+ of )?row \d+ of sequence \d+ is wrong: its relative error is \S+, expected less/,
    );
  },
});

const swapRows = ({ data }: Tensor, width: number): void => {
  const first = data.slice(0, width);
  data.copyWithin(0, width, 2 * width);
  data.set(first, width);
};

test('a number that is off', isFound, {}, ({ data }) => {
  data[data.length - 1]! += 0.01;
});
test('a number that is none', isFound, {}, ({ data }) => {
  data[0] = NaN;
});
test('rows that are swapped', isFound, {}, (output) => {
  swapRows(output, 32);
});
test('heads that are swapped', isFound, { mode: 'attention' }, (output) => {
  swapRows(output, 12 * 8);
});
test(
  'the last lane of the last row, in a large case too',
  isFound,
  { mode: 'attention', tokens: 900 },
  ({ data }) => {
    data[data.length - 1] = 0;
  },
);
test('zeros', isFound, { mode: 'decode' }, ({ data }) => {
  data.fill(0);
});
test('sequences that are swapped', isFound, { mode: 'decode', batch: 2 }, (output) => {
  swapRows(output, 32);
});
test('all zeros at 16 bits', isFound, { mode: 'decode', dtype: 'bf16' }, ({ data }) => {
  data.fill(0);
});

const otherOptions = test.macro({
  title: (title) => `${title} is found`,
  exec: async (t: ExecutionContext, wanted: Partial<BenchCase>, computed: Partial<BenchCase>) => {
    const error = errorOf(engineOf('reference'), caseOf(wanted), caseOf({ ...wanted, ...computed }));
    await t.throwsAsync(error, { instanceOf: RangeError, message: /is wrong/ });
  },
});

test('a mask that is missing', otherOptions, { causal: true }, { causal: false });
test('a window that is off by one', otherOptions, { window: 3 }, { window: 4 });
test('a window that is off by one in decoding', otherOptions, { mode: 'decode', window: 3 }, { window: 2 });
test('a causal mask in attention alone', otherOptions, { mode: 'attention' }, { causal: true });
