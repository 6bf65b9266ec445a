// The binding of the native kernel: an operand that its numbers overrun, or that is of the wrong type, is an error that
// names it, and nothing is written. Right calls stand beside each, so that the limit is exact.
import test from 'ava';
import type {
  AttentionBlock,
  BlockRules,
  Floats,
  Kernel,
  Packing,
  PartialRows,
  Projection,
  StoredNumbers,
} from '../../workers/kernels/kernel.js';
import { partialFloats } from '../../src/core/protocol/attention-work.js';
import { packedLength } from '../../src/core/protocol/layout.js';
import { rowStatistics } from '../../src/core/protocol/statistics.js';
import type { Slice } from '../../src/core/protocol/strided.js';
import { addonProblem } from '../helpers/engines.js';
import { createBench } from '../helpers/kernel-bench.js';
import { skipAll } from '../helpers/skips.js';
import { strided } from '../helpers/strided.js';

const floats = (length: number, offset = 0): Floats => ({
  data: new Float32Array(new SharedArrayBuffer(4 * (offset + length))),
  offset,
});

const halves = (length: number, offset = 0): Slice<Uint16Array> => ({
  data: new Uint16Array(new SharedArrayBuffer(2 * (offset + length))),
  offset,
});

// 3 queries of 2 heads, 5 keys and 2 extra ones; every operand ends where its array does.
const attention = {
  queries: 3,
  group: 2,
  keys: 5,
  headDim: 4,
  valueDim: 6,
  query: strided(floats(2 * 9 + 10 + 4, 1), { headStride: 10, rowStride: 9 }),
  key: strided(floats(4 * 7 + 4, 2), { rowStride: 7 }),
  value: strided(floats(4 * 8 + 6, 3), { rowStride: 8 }),
  storage: 'f32',
  pages: null,
  output: strided(floats(2 * 6 + 18 + 6, 4), { headStride: 18, rowStride: 6 }),
  extra: {
    count: 2,
    key: strided(floats(8, 5), { rowStride: 4 }),
    value: strided(floats(12, 6), { rowStride: 6 }),
  },
  rules: {
    scale: 1,
    softcap: 5,
    alibiSlopes: strided(floats(2, 12), { headStride: 1 }),
    bias: strided(floats(0 + 2 * 11 + 4 * 2 + 1, 8), { rowStride: 11, columnStride: 2 }),
    mask: strided({ data: new Uint8Array(20 + 2 * 5 + 4 + 1), offset: 0 }, { headStride: 20, rowStride: 5 }),
    left: Infinity,
    right: Infinity,
    sinks: strided(floats(2, 13), { headStride: 1 }),
    headScale: strided(floats(2, 14), { headStride: 1 }),
  },
  position: 2,
  weights: {
    ...strided(floats(30 + 2 * 8 + 8, 9), { headStride: 30, rowStride: 8 }),
    extraColumn: 6,
    share: 1,
    isAdded: false,
  },
  scores: {
    ...strided(floats(27 + 2 * 9 + 9, 15), { headStride: 27, rowStride: 9 }),
    extraColumn: 7,
    stage: 'biased',
  },
  statistics: strided(floats(6 * rowStatistics, 16), {
    headStride: rowStatistics,
    rowStride: 2 * rowStatistics,
  }),
  logSumExp: strided(floats(4 + 3, 10), { headStride: 4, rowStride: 1 }),
  isDecoding: true,
  partial: null,
} satisfies AttentionBlock;

/** Over a part of its keys. */
const part = {
  ...attention,
  partial: strided(floats(6 * partialFloats(6), 11), {
    headStride: partialFloats(6),
    rowStride: 2 * partialFloats(6),
  }),
} satisfies AttentionBlock;
const { rules } = attention;

const withRules = (change: Partial<BlockRules>): AttentionBlock => ({
  ...attention,
  rules: { ...rules, ...change },
});

const inHalves = {
  ...attention,
  key: { ...attention.key, ...halves(4 * 7 + 4, 3) },
  value: { ...attention.value, ...halves(4 * 8 + 6, 5) },
  storage: 'f16',
} satisfies AttentionBlock;

// 130 keys in pages 2 and 0; nothing else is as long as they are.
const inPages = {
  ...attention,
  keys: 130,
  rules: { ...rules, mask: null, bias: null },
  weights: null,
  scores: null,
  key: { ...attention.key, ...floats(2 * 1100 + 127 * 7 + 4, 2) },
  value: { ...attention.value, ...floats(2 * 1100 + 127 * 8 + 6, 3) },
  pages: { table: { data: Int32Array.of(9, 2, 0), offset: 1 }, pageKeys: 128, stride: 1100 },
} satisfies AttentionBlock;

/** The last element of one operand cut away. */
const shorter = <T extends Slice<StoredNumbers | Uint8Array | Int32Array>>(operand: T): T => ({
  ...operand,
  data: operand.data.subarray(0, operand.data.length - 1),
});

const pagesOf = (...numbers: readonly number[]): AttentionBlock => ({
  ...inPages,
  pages: { ...inPages.pages, table: { data: Int32Array.from(numbers), offset: 0 } },
});

const shortOperands: Readonly<Record<string, AttentionBlock>> = {
  query: { ...attention, query: shorter(attention.query) },
  key: { ...attention, key: shorter(attention.key) },
  value: { ...attention, value: shorter(attention.value) },
  output: { ...attention, output: shorter(attention.output) },
  'extra.key': { ...attention, extra: { ...attention.extra, key: shorter(attention.extra.key) } },
  'extra.value': { ...attention, extra: { ...attention.extra, value: shorter(attention.extra.value) } },
  mask: withRules({ mask: shorter(rules.mask) }),
  bias: withRules({ bias: shorter(rules.bias) }),
  alibiSlopes: withRules({ alibiSlopes: shorter(rules.alibiSlopes) }),
  sinks: withRules({ sinks: shorter(rules.sinks) }),
  headScale: withRules({ headScale: shorter(rules.headScale) }),
  weights: { ...attention, weights: shorter(attention.weights) },
  scores: { ...attention, scores: shorter(attention.scores) },
  statistics: { ...attention, statistics: shorter(attention.statistics) },
  logSumExp: { ...attention, logSumExp: shorter(attention.logSumExp) },
  partial: { ...part, partial: shorter(part.partial) },
  'key of 16 bits': { ...inHalves, key: shorter(inHalves.key) },
  'value of 16 bits': { ...inHalves, value: shorter(inHalves.value) },
  'key in pages': { ...inPages, key: shorter(inPages.key) },
  'value in pages': { ...inPages, value: shorter(inPages.value) },
  'pages.table': { ...inPages, pages: { ...inPages.pages, table: shorter(inPages.pages.table) } },
  // The largest page decides, whichever keys lie in it.
  'key in a page further on': { ...pagesOf(3, 0), value: { ...inPages.value, ...floats(10000) } },
};

// Long enough wherever they stand in for an operand.
const doubles = { data: new Float64Array(10000) as unknown as Float32Array, offset: 0 };
const someFloats = floats(10000);
const someHalves = halves(10000);

/** Operands of a wrong type, and what is expected for them. */
const wrongTypes: Readonly<Record<string, readonly [type: string, block: AttentionBlock]>> = {
  query: ['a Float32Array', { ...attention, query: { ...attention.query, ...doubles } }],
  key: ['a Float32Array', { ...attention, key: { ...attention.key, ...doubles } }],
  value: ['a Float32Array', { ...attention, value: { ...attention.value, ...someHalves } }],
  'key of float16': ['a Uint16Array', { ...inHalves, key: { ...inHalves.key, ...someFloats } }],
  'value of bfloat16': [
    'a Uint16Array',
    { ...inHalves, storage: 'bf16', value: { ...inHalves.value, ...someFloats } },
  ],
  'pages.table': [
    'an Int32Array',
    { ...inPages, pages: { ...inPages.pages, table: someFloats as unknown as Slice<Int32Array> } },
  ],
  mask: [
    'a Uint8Array',
    withRules({ mask: { ...rules.mask, ...(someFloats as unknown as Slice<Uint8Array>) } }),
  ],
  bias: ['a Float32Array', withRules({ bias: { ...rules.bias, ...doubles } })],
  alibiSlopes: ['a Float32Array', withRules({ alibiSlopes: { ...rules.alibiSlopes, ...doubles } })],
  sinks: ['a Float32Array', withRules({ sinks: { ...rules.sinks, ...doubles } })],
  headScale: ['a Float32Array', withRules({ headScale: { ...rules.headScale, ...doubles } })],
  weights: ['a Float32Array', { ...attention, weights: { ...attention.weights, ...doubles } }],
  scores: ['a Float32Array', { ...attention, scores: { ...attention.scores, ...doubles } }],
  statistics: ['a Float32Array', { ...attention, statistics: { ...attention.statistics, ...doubles } }],
};

/** Pages that are numbers of the right type, and what is wrong with them. */
const wrongPages: Readonly<Record<string, readonly [message: string, block: AttentionBlock]>> = {
  'a negative page': ['a page must be >= 0', pagesOf(2, -1)],
  'pages that are not whole': [
    'pages must hold whole tiles',
    { ...inPages, pages: { ...inPages.pages, pageKeys: 129 } },
  ],
  'pages of half the keys': [
    'pages must hold whole tiles',
    { ...inPages, keys: 64, pages: { ...inPages.pages, pageKeys: 64 } },
  ],
  'pages without keys': [
    'pages must hold whole tiles',
    { ...inPages, pages: { ...inPages.pages, pageKeys: 0 } },
  ],
};

const wrongNumbers: Readonly<Record<string, Partial<AttentionBlock>>> = {
  queries: { queries: -1 },
  group: { group: 2.5 },
  keys: { keys: 2 ** 31 },
  headDim: { headDim: NaN },
  valueDim: { valueDim: Infinity },
  left: withRules({ left: NaN }),
  right: withRules({ right: 0.5 }),
  position: { position: 0.5 },
  storage: { storage: 'f64' as 'f32' },
  'scores.stage': { scores: { ...attention.scores, stage: 'masked' as 'biased' } },
  'pages.pageKeys': { pages: { ...inPages.pages, pageKeys: 0.5 } },
  'pages.stride': { pages: { ...inPages.pages, stride: -1 } },
  'pages.table.offset': { pages: { ...inPages.pages, table: { ...inPages.pages.table, offset: -1 } } },
  'alibiSlopes.offset': withRules({ alibiSlopes: { ...rules.alibiSlopes, offset: -1 } }),
  'key.rowStride': { key: { ...attention.key, rowStride: -7 } },
  'query.offset': { query: { ...attention.query, offset: -1 } },
  'output.rowStride': { output: { ...attention.output, rowStride: 2 ** 60 } },
  'bias.columnStride': withRules({ bias: { ...rules.bias, columnStride: 1.5 } }),
  'mask.headStride': withRules({ mask: { ...rules.mask, headStride: -20 } }),
};

if (addonProblem === undefined) {
  const { kernel } = createBench('native');
  const attend = (block: AttentionBlock) => () => {
    kernel.attend(block);
  };

  test('operands that end where their arrays do are taken', (t) => {
    t.notThrows(attend(attention));
    t.notThrows(attend(part));
    t.notThrows(
      attend({
        ...withRules({ alibiSlopes: null, bias: null, mask: null, sinks: null, headScale: null }),
        extra: null,
        weights: null,
        scores: null,
        statistics: null,
        logSumExp: null,
      }),
    );
    for (const isDecoding of [true, false]) {
      for (const storage of ['f16', 'bf16'] as const)
        t.notThrows(attend({ ...inHalves, storage, isDecoding }));
      t.notThrows(attend({ ...inPages, isDecoding }));
      t.notThrows(attend({ ...pagesOf(2, 2), isDecoding }));
      // Where there are no keys, there are neither pages.
      t.notThrows(attend({ ...pagesOf(), keys: 0, isDecoding }));
    }
  });

  for (const [name, block] of Object.entries(shortOperands)) {
    test(`attend refuses \`${name}\` that is one element short, and writes nothing`, (t) => {
      block.output.data.fill(7);
      const [operand] = name.split(' ', 1);
      const pattern = new RegExp(`^Expected at least \\d+ elements in \`${operand}\`, got \\d+$`);
      t.throws(attend(block), { instanceOf: RangeError, message: pattern });
      t.true(block.output.data.every((value) => value === 7));
    });
  }

  for (const [name, change] of Object.entries(wrongNumbers)) {
    test(`attend refuses a wrong number for \`${name}\``, (t) => {
      const pattern = new RegExp(`^Expected an integer from \\S+ to \\d+ for \`${name}\`, got `);
      t.throws(attend({ ...attention, ...change }), { instanceOf: RangeError, message: pattern });
    });
  }

  test('attend refuses strides whose products no integer holds', (t) => {
    const query = { ...attention.query, headStride: 2 ** 53, rowStride: 2 ** 53 };
    t.throws(attend({ ...attention, query }), { instanceOf: RangeError, message: /`query`/ });
  });

  test('attend refuses columns that are no neighbours, but for those of masks and biases', (t) => {
    for (const name of ['query', 'key', 'value'] as const) {
      for (const columnStride of [0, 2]) {
        const operand = { ...attention[name], ...floats(1000), columnStride };
        t.throws(attend({ ...attention, [name]: operand }), {
          instanceOf: RangeError,
          message: 'columns must be neighbours',
        });
      }
    }
  });

  test('attend refuses rows without an output, and a part of one that is not decoding', (t) => {
    const output = null as unknown as AttentionBlock['output'];
    for (const block of [
      { ...attention, output },
      { ...part, isDecoding: false },
    ])
      t.throws(attend(block), { instanceOf: RangeError, message: 'rows need an output' });
  });

  test('attend refuses a query that is not there', (t) => {
    const query = null as unknown as AttentionBlock['query'];
    t.throws(attend({ ...attention, query }), {
      instanceOf: TypeError,
      message: 'Expected an array for `query`',
    });
  });

  test('attend refuses more rows to decode than it takes', (t) => {
    const query = { ...attention.query, ...floats(100) };
    const output = { ...attention.output, ...floats(100) };
    const absent = { weights: null, scores: null, statistics: null, logSumExp: null };
    t.throws(attend({ ...withRules({ mask: null, bias: null }), ...absent, queries: 5, query, output }), {
      instanceOf: RangeError,
      message: 'too many rows to decode',
    });
  });

  for (const [name, [type, block]] of Object.entries(wrongTypes)) {
    test(`attend refuses \`${name}\` that is not ${type}`, (t) => {
      const message = `Expected ${type} for \`${name.split(' ', 1)[0]}\``;
      t.throws(attend(block), { instanceOf: TypeError, message });
    });
  }

  for (const [name, [message, block]] of Object.entries(wrongPages)) {
    test(`attend refuses ${name}`, (t) => {
      t.throws(attend(block), { instanceOf: RangeError, message });
    });
  }

  test('detached arrays are empty', (t) => {
    const detached = new Float32Array(100);
    structuredClone(detached, { transfer: [detached.buffer] });
    t.throws(attend({ ...attention, value: { ...attention.value, data: detached, offset: 0 } }), {
      instanceOf: RangeError,
      message: /in `value`, got 0$/,
    });
  });

  testMerge(kernel);
  testProducts(kernel);
} else {
  skipAll('the binding checks the operands of every call', addonProblem);
}

function testMerge(kernel: Kernel): void {
  const { output, queries, group, valueDim, logSumExp } = attention;
  const { headScale } = rules;
  const merged: PartialRows = {
    output,
    queries,
    group,
    valueDim,
    logSumExp,
    headScale,
    partial: {
      ...part.partial,
      ...floats(3 * 6 * partialFloats(valueDim), 7),
      entryStride: 6 * partialFloats(valueDim),
    },
    ranges: 3,
  };
  const merge = (change: Partial<PartialRows>) => () => {
    kernel.merge({ ...merged, ...change });
  };

  test('merge takes operands that end where their arrays do', (t) => {
    t.notThrows(merge({}));
    t.notThrows(merge({ logSumExp: null, headScale: null }));
  });

  const changes: Readonly<Record<string, Partial<PartialRows>>> = {
    partial: { partial: shorter(merged.partial) },
    output: { output: shorter(output) },
    logSumExp: { logSumExp: shorter(logSumExp) },
    headScale: { headScale: shorter(headScale) },
  };
  for (const [name, change] of Object.entries(changes)) {
    test(`merge refuses \`${name}\` that is one element short`, (t) => {
      t.throws(merge(change), isShort(name));
    });
  }

  test('merge refuses rows that would take days or wrap integers, though they lie on one another', (t) => {
    const repeated = { headStride: 0, rowStride: 0 };
    const partial = { ...merged.partial, ...repeated };
    for (const [queries, group] of [
      [2 ** 20, 2 ** 11],
      [2 ** 30, 2 ** 30],
    ] as const) {
      const rows = { queries, group, logSumExp: null, headScale: null };
      t.throws(merge({ ...rows, partial, output: { ...output, ...repeated } }), {
        instanceOf: RangeError,
        message: 'too many rows',
      });
    }
  });

  test('merge refuses factors of heads that are not a Float32Array', (t) => {
    t.throws(merge({ headScale: { ...headScale, ...doubles } }), {
      instanceOf: TypeError,
      message: 'Expected a Float32Array for `headScale`',
    });
  });
}

function isShort(name: string): { instanceOf: typeof RangeError; message: RegExp } {
  return {
    instanceOf: RangeError,
    message: new RegExp(`^Expected at least \\d+ elements in \`${name}\``),
  };
}

function testProducts(kernel: Kernel): void {
  const [columns, depth] = [kernel.traits.panelColumns + 1, 3];
  const panels = floats(packedLength(columns, depth, kernel.traits.panelColumns), 1);
  const packing: Packing = {
    weight: floats(columns * depth, 2),
    bias: floats(columns, 3),
    columns,
    depth,
    panels,
  };
  const projection: Projection = {
    rows: floats(4 * depth, 4),
    rowCount: 4,
    depth,
    panels,
    columns,
    output: strided(floats(3 * (columns + 2) + columns, 5), { rowStride: columns + 2 }),
  };
  test('pack and project take operands that end where their arrays do', (t) => {
    t.notThrows(() => {
      kernel.pack(packing);
      kernel.pack({ ...packing, bias: null });
      kernel.project(projection);
    });
  });

  for (const name of ['weight', 'bias', 'panels'] as const) {
    test(`pack refuses \`${name}\` that is one element short`, (t) => {
      t.throws(() => {
        kernel.pack({ ...packing, [name]: shorter(packing[name]!) });
      }, isShort(name));
    });
  }

  for (const name of ['rows', 'panels', 'output'] as const) {
    test(`project refuses \`${name}\` that is one element short`, (t) => {
      t.throws(() => {
        kernel.project({ ...projection, [name]: shorter(projection[name]) });
      }, isShort(name));
    });
  }
}
