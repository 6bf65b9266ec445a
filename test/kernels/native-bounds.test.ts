// The binding of the native kernel: an operand that its numbers overrun, or that is of the wrong type, is an error that
// names it, and nothing is written. Right calls stand beside each, so that the limit is exact.
import test from 'ava';
import type { AttentionBlock, Kernel, Packing, Projection, Slice } from '../../workers/kernels/kernel.js';
import { packedLength } from '../../workers/protocol.js';
import { hasAddon } from '../helpers/engines.js';
import { createBench } from '../helpers/kernel-bench.js';

const floats = (length: number, offset = 0): Slice => ({
  data: new Float32Array(new SharedArrayBuffer(4 * (offset + length))),
  offset,
});

// 3 queries of 2 heads, 5 keys and 2 extra ones; every operand ends where its array does.
const attention = {
  ...{
    queries: 3,
    group: 2,
    keys: 5,
    headDim: 4,
    valueDim: 6,
    scale: 1,
    firstOffset: -Infinity,
    lastOffset: Infinity,
  },
  ...{ query: floats(2 * 9 + 10 + 4, 1), queryStride: 9, queryHeadStride: 10 },
  ...{ key: floats(4 * 7 + 4, 2), keyStride: 7, value: floats(4 * 8 + 6, 3), valueStride: 8 },
  ...{ output: floats(2 * 6 + 18 + 6, 4), outputStride: 6, outputHeadStride: 18 },
  extra: { count: 2, key: floats(8, 5), value: floats(12, 6) },
  mask: {
    from: { data: new Uint8Array(20 + 2 * 5 + 4 + 1), offset: 0 },
    ...{ headStride: 20, queryStride: 5, keyStride: 1 },
  },
  bias: { from: floats(0 + 2 * 11 + 4 * 2 + 1, 8), headStride: 0, queryStride: 11, keyStride: 2 },
  weights: {
    ...{
      to: floats(30 + 2 * 8 + 8, 9),
      headStride: 30,
      queryStride: 8,
      extraColumn: 6,
      share: 1,
      isAdded: false,
    },
  },
  logSumExp: { to: floats(4 + 3, 10), headStride: 4 },
  ...{ isDecoding: true, partial: floats(6 * (6 + 3), 11) },
} satisfies AttentionBlock;

/** The last element of one operand cut away. */
const shorter = <T extends Slice | Slice<Uint8Array>>({ data, offset }: T): T =>
  ({ data: data.subarray(0, data.length - 1), offset }) as T;

const shortOperands: Readonly<Record<string, AttentionBlock>> = {
  query: { ...attention, query: shorter(attention.query) },
  key: { ...attention, key: shorter(attention.key) },
  value: { ...attention, value: shorter(attention.value) },
  output: { ...attention, output: shorter(attention.output) },
  extraKey: { ...attention, extra: { ...attention.extra, key: shorter(attention.extra.key) } },
  extraValue: { ...attention, extra: { ...attention.extra, value: shorter(attention.extra.value) } },
  mask: { ...attention, mask: { ...attention.mask, from: shorter(attention.mask.from) } },
  bias: { ...attention, bias: { ...attention.bias, from: shorter(attention.bias.from) } },
  weights: { ...attention, weights: { ...attention.weights, to: shorter(attention.weights.to) } },
  logSumExp: { ...attention, logSumExp: { ...attention.logSumExp, to: shorter(attention.logSumExp.to) } },
  partial: { ...attention, partial: shorter(attention.partial) },
};

const wrongNumbers: Readonly<Record<string, Partial<AttentionBlock>>> = {
  queries: { queries: -1 },
  group: { group: 2.5 },
  keys: { keys: 2 ** 31 },
  headDim: { headDim: NaN },
  valueDim: { valueDim: Infinity },
  firstOffset: { firstOffset: NaN },
  lastOffset: { lastOffset: 0.5 },
  keyStride: { keyStride: -7 },
  query: { query: { ...attention.query, offset: -1 } },
  outputStride: { outputStride: 2 ** 60 },
};

if (hasAddon) {
  const { kernel } = createBench('native');
  const attend = (block: AttentionBlock) => () => {
    kernel.attend(block);
  };

  test('operands that end where their arrays do are taken', (t) => {
    t.notThrows(attend(attention));
    t.notThrows(
      attend({
        ...{ ...attention, extra: null, mask: null, bias: null, weights: null, logSumExp: null },
        partial: null,
      }),
    );
  });

  for (const [name, block] of Object.entries(shortOperands)) {
    test(`attend refuses \`${name}\` that is one element short, and writes nothing`, (t) => {
      block.output.data.fill(7);
      const pattern = new RegExp(`^Expected at least \\d+ elements in \`${name}\`, got \\d+$`);
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
    const change = { queryStride: 2 ** 53, queryHeadStride: 2 ** 53 };
    t.throws(attend({ ...attention, ...change }), { instanceOf: RangeError, message: /`query`/ });
  });

  test('arrays of another type are refused, detached ones are empty', (t) => {
    const asDoubles = { data: new Float64Array(100) as unknown as Float32Array, offset: 0 };
    t.throws(attend({ ...attention, key: asDoubles }), {
      instanceOf: TypeError,
      message: 'Expected a Float32Array for `key`',
    });
    const asFloats = { data: new Float32Array(100) as unknown as Uint8Array, offset: 0 };
    t.throws(attend({ ...attention, mask: { ...attention.mask, from: asFloats } }), {
      instanceOf: TypeError,
      message: 'Expected a Uint8Array for `mask`',
    });
    const detached = new Float32Array(100);
    structuredClone(detached, { transfer: [detached.buffer] });
    t.throws(attend({ ...attention, value: { data: detached, offset: 0 } }), {
      instanceOf: RangeError,
      message: /in `value`, got 0$/,
    });
  });

  testProducts(kernel);
} else {
  test('the native kernel was not built here', (t) => {
    t.pass();
  });
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
    ...{ rows: floats(4 * depth, 4), rowCount: 4, depth, panels, columns },
    ...{ output: floats(3 * (columns + 2) + columns, 5), outputStride: columns + 2 },
  };
  const isShort = (name: string) => ({
    instanceOf: RangeError,
    message: new RegExp(`^Expected at least \\d+ elements in \`${name}\``),
  });

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
