// The faults that a caller of the library can make, and the odd calls that are none: the whole table, one row a line of
// it. Rows that other files test are named with the title of the test, and it is checked that there is one.
import test, { type ExecutionContext } from 'ava';
import { chooseKernel } from '../../src/engine/engine-options.js';
import {
  createEngine,
  createXavierWeights,
  type EngineOptions,
  type ErrorCode,
  type LayerOptions,
} from '../../src/index.js';
import { assertRefused } from '../helpers/assertions.js';
import { kernels, openEngines } from '../helpers/engines.js';
import { normalTensor } from '../helpers/random.js';
import { testElsewhere } from '../helpers/tested-elsewhere.js';

const engineOf = openEngines(1);
const weights = createXavierWeights({ modelDim: 12, heads: 4, seed: 1 });

testElsewhere([
  ['heads 0, -1, 1.5, "8"', 'attention/option-refusals', 'heads of ${shown} are refused'],
  ['the same of a layer', 'attention/layer-refusals', '${name} of ${shown} are refused'],
  ['the same of a setting', 'config/settings', 'a fraction'],
  [
    'heads that do not divide the width',
    'attention/option-refusals',
    'heads that do not divide the width are refused',
  ],
  [
    'odd sizes around the lane width',
    'attention/shapes',
    'every headDim from 1 to 130 is computed to its last number',
  ],
  ['odd lengths', 'attention/shapes', 'as many keys as queries, around every tile length'],
  ['a mask of a wrong shape', 'attention/option-refusals', 'a mask of shape ${title} is refused'],
  ['a mask of a wrong type', 'attention/option-refusals', 'a mask of floats is refused'],
  [
    'everything masked',
    'attention/masks',
    'rows that a mask empties give zeros and a log-sum-exp of -infinity',
  ],
  ['NaN behind the mask', 'attention/special-numbers', 'NaN and infinity behind a mask change no byte'],
  ['weights of a wrong shape', 'attention/weight-refusals', 'a key projection of other rows is refused'],
  ['a detached buffer', 'attention/tensor-refusals', 'a detached buffer is refused'],
  [
    'a resized buffer',
    'attention/read-once',
    'an array of a buffer that may be resized is taken with the length that it has',
  ],
  [
    'output aliasing input',
    'attention/out-refusals',
    'an out on the memory of an input is refused, and the input keeps its numbers',
  ],
  [
    'the same through a clone',
    'engine/same-memory',
    'an out that clones an input is refused, and the input keeps its numbers',
  ],
  ['threads 0 as a setting', 'config/settings', 'no threads'],
  ['threads 1e6 as a setting', 'config/settings', 'a million threads'],
  ['an unknown option', 'attention/option-refusals', 'a misspelt option is refused with the right one'],
  [
    '`__proto__` as an option',
    'attention/option-refusals',
    'a key named __proto__ is refused and has no effect',
  ],
  ['`__proto__` as a setting', 'config/settings', '__proto__ is an unknown setting'],
  ['a YAML alias bomb', 'config/settings', 'an alias bomb'],
  [
    'a kernel that the processor cannot run',
    'kernels/native-sets',
    "${name} can't run here, so asking for it is an error",
  ],
  [
    'memory over the limit',
    'engine/faults',
    'work over the memory limit is refused before it starts, and gives back what it took',
  ],
  [
    'two calls on one buffer at once',
    'engine/faults',
    'two calls may not write one buffer at the same time, nor one what another reads',
  ],
  ['close during calls', 'engine/faults', 'closing lets open calls finish and refuses new ones'],
  ['a logger that throws', 'engine/loggers', 'a logger that throws changes nothing'],
  ['a signal that throws', 'engine/odd-signals', 'fails its call at most, with its own error'],
  ['getters and proxies', 'attention/read-once', '${name} reads each thing that it is given once'],
]);

const refusesEngine = test.macro(
  async (t: ExecutionContext, options: unknown, code: ErrorCode, ...what: string[]) => {
    await assertRefused(t, () => createEngine(options as EngineOptions), { code, what });
  },
);

for (const [shown, options] of [
  ['5 (number)', 5],
  ['null', null],
  ['a string', 'threads'],
  ['true', true],
  ['a function', () => ({ threads: 1 })],
  ['an array', []],
  ['an array of options', [{ threads: 1 }]],
  ['a Map', new Map([['threads', 1]])],
  ['a typed array', new Float32Array(3)],
] as const) {
  test(`an engine of ${shown}`, refusesEngine, options, 'INVALID_OPTION', 'an object for `options`');
}

for (const value of [0, -1, 1.5, '8', NaN, 1025, 1e6, null, 2n, [2], { valueOf: () => 2 }]) {
  const shown = typeof value === 'object' ? JSON.stringify(value) : `${String(value)} (${typeof value})`;
  test(
    `threads of ${shown}`,
    refusesEngine,
    { threads: value },
    'INVALID_OPTION',
    'from 1 to 1024 for `threads`',
  );
}
for (const name of ['memoryLimitBytes', 'maxQueue']) {
  for (const value of [0, -1, 0.5, '1e9', Infinity, null]) {
    test(
      `${name} of ${String(value)} (${typeof value})`,
      refusesEngine,
      { [name]: value },
      'INVALID_OPTION',
      name,
    );
  }
}
for (const value of ['cuda', 'Native', '', null, 1, ['wasm']]) {
  test(
    `a kernel of ${JSON.stringify(value)}`,
    refusesEngine,
    { kernel: value },
    'INVALID_OPTION',
    '`kernel`',
    'wasm',
  );
}
test('a device of null', refusesEngine, { device: null }, 'INVALID_OPTION', '`device`');
test('an unknown engine option', refusesEngine, { thread: 2 }, 'UNKNOWN_OPTION', '`thread`', '`threads`');
const smuggled = JSON.parse('{ "__proto__": { "threads": 0 } }') as object;
test('an engine option named __proto__', refusesEngine, smuggled, 'UNKNOWN_OPTION', '`__proto__`');

test('heads that do not divide modelDim, both of them named', async (t) => {
  const given = { heads: 5, weights } as LayerOptions;
  await assertRefused(t, () => engineOf('reference').multiHeadAttention(given), {
    code: 'INVALID_OPTION',
    message: 'Expected `heads` to divide the width of the query projection, got heads 5 and width 12',
  });
});

for (const kernel of kernels) {
  test(`${kernel}: no tokens, and one`, async (t) => {
    const engine = engineOf(kernel);
    using layer = await engine.multiHeadAttention({ heads: 4, weights });
    for (const shape of [
      [0, 12],
      [1, 12],
      [2, 0, 12],
      [0, 3, 12],
      [2, 1, 12],
    ]) {
      const { output } = await layer.forward(normalTensor(shape, 1), { causal: true });
      t.deepEqual(output.shape, shape);
      t.true(output.data.every((value) => Number.isFinite(value) && value !== 0));
    }
    const one = normalTensor([1, 2, 1, 3], 2);
    const { output } = await engine.attention({ q: one, k: one, v: one });
    t.deepEqual(output.data, one.data, 'a token that attends itself alone is its own value');
    const none = normalTensor([1, 2, 0, 3], 3);
    const empty = await engine.attention({ q: none, k: one, v: one });
    t.deepEqual(empty.output.shape, [1, 2, 0, 3]);
    const nothing = await engine.attention({ q: one, k: none, v: none, returnLogSumExp: true });
    t.deepEqual(
      [...nothing.output.data, ...nothing.logSumExp!.data],
      [0, 0, 0, 0, 0, 0, -Infinity, -Infinity],
    );
  });
}

for (const shape of [[2 ** 31, 64], [2 ** 52], [2 ** 20, 2 ** 20]]) {
  test(`a tensor [${shape.join(', ')}] that no memory has room for`, async (t) => {
    await assertRefused(t, () => engineOf('reference').tensor(shape), { code: 'MEMORY_LIMIT', what: 'MiB' });
  });
}

test('numbers of a tensor that are none', async (t) => {
  for (const data of [null, 5, [1], new Float32Array(3)]) {
    await assertRefused(t, () => engineOf('reference').tensor([2], data as never), {
      code: 'INVALID_SHAPE',
      what: '2 numbers for shape [2] for `data`',
    });
  }
});

test('a kernel that is unavailable is refused with its reason, and passed over where none is named', async (t) => {
  const traits = { takes: 'units' } as never;
  const probes = [
    { name: 'native', available: false, reason: 'no compiler' },
    { name: 'wasm', available: true, traits },
  ] as const;
  await assertRefused(t, () => chooseKernel({ kernel: 'native', device: 'cpu' }, probes), {
    code: 'KERNEL_UNAVAILABLE',
    message: 'No kernel can run here (native: no compiler)',
  });
  t.is(chooseKernel({ kernel: 'auto', device: 'cpu' }, probes).name, 'wasm');
});

test('what only looks like a cache', async (t) => {
  using layer = await engineOf('reference').multiHeadAttention({ heads: 4, weights });
  const x = normalTensor([2, 12], 1);
  using real = layer.createCache({ maxTokens: 8 });
  for (const cache of [{ layer }, Object.create(real) as object, new Proxy(real, {}), null, []]) {
    await assertRefused(t, () => layer.forward(x, { cache: cache as never }), {
      code: 'INVALID_OPTION',
      what: '`cache',
    });
  }
  await layer.forward(x, { cache: real });
  t.deepEqual(real.tokens, [2]);
});

test('calls after close, whatever they ask for', async (t) => {
  const engine = await createEngine({ kernel: 'reference', threads: 1 });
  const layer = await engine.multiHeadAttention({ heads: 4, weights });
  const x = normalTensor([2, 12], 1);
  await engine.close();
  for (const call of [
    () => layer.forward(x),
    () => layer.createCache({ maxTokens: 8 }),
    () => engine.multiHeadAttention({ heads: 4, weights }),
    () => engine.attention({ q: x, k: x, v: x, heads: 4 }),
  ]) {
    await assertRefused(t, call, { code: 'ENGINE_CLOSED' });
  }
  layer.dispose();
  await engine.close();
});
