// Products on the software device, against sums in float64.
import test, { type ExecutionContext } from 'ava';
import { packedLength } from '../../../src/core/protocol/layout.js';
import { costOf } from '../../../workers/kernels/gpu/product-cost.js';
import { livingPanels, packPanels, panelColumns } from '../../../workers/kernels/gpu/panels.js';
import {
  productForm,
  productGroups,
  productUniform,
  type ProductCall,
  type ProductForm,
} from '../../../workers/kernels/gpu/product-call.js';
import { productShader } from '../../../workers/kernels/gpu/product.js';
import { assertSameBytes } from '../../helpers/assertions.js';
import { normalTensor } from '../../helpers/random.js';
import { findImprecision } from '../../helpers/tolerance.js';
import { runShader } from '../../helpers/shader-bench.js';
import { gpuTest } from '../../helpers/software-gpu.js';

interface ProductCase {
  readonly rowCount: number;
  readonly depth: number;
  readonly columns: number;
  readonly segmentColumns?: number;
  /** Default random. */
  readonly bias?: Float32Array | null;
  readonly dead?: readonly number[];
  readonly firstRow?: number;
  readonly endRow?: number;
  readonly tile?: ProductForm['tile'];
  /** Where rows, panels and output start: numbers, vectors, numbers. */
  readonly offsets?: readonly [number, number, number];
  readonly rows?: Float32Array;
  /** Numbers between the rows of the output; it is written as vec4 where there are 4. */
  readonly gap?: number;
  /** Along y: so many rows of workgroups instead of as few as can be. */
  readonly folds?: number;
}

const unwritten = 7;

/** The product head-major, each segment [rowCount, segmentColumns + 1]: what is not the product's stays 7. */
async function multiply(options: ProductCase) {
  const { rowCount, depth, columns, segmentColumns = 64, dead = [], gap = 1 } = options;
  const shape = { columns, segmentColumns, depth };
  const segments = Math.ceil(columns / segmentColumns);
  const rows = options.rows ?? normalTensor([rowCount, depth], 1).data;
  const weight = normalTensor([columns, depth], 2).data;
  const bias = options.bias === undefined ? normalTensor([columns], 3).data : options.bias;
  const panels = new Float32Array(segments * packedLength(segmentColumns, depth, panelColumns)).fill(NaN);
  packPanels(shape, weight, bias, panels);
  const list = dead.length > 0 ? livingPanels(shape, new Set(dead)) : null;
  const rowStride = segmentColumns + gap;
  const [rowsOffset, panelsOffset, outputOffset] = options.offsets ?? [0, 0, 0];
  const call: ProductCall = {
    ...shape,
    firstRow: options.firstRow ?? 0,
    endRow: options.endRow ?? rowCount,
    rowsOffset,
    panelsOffset,
    outputOffset,
    segmentStride: rowCount * rowStride,
    rowStride,
    listed: list && list.length,
  };
  const form = { ...productForm(call), ...(options.tile && { tile: options.tile }) };
  const output = new Float32Array(outputOffset + segments * rowCount * rowStride).fill(unwritten);
  const from = [behind(rows, rowsOffset), behind(panels, 4 * panelsOffset)];
  const operands = [...from, list ?? new Uint32Array(1), output];
  const [x, y, z] = productGroups(form, call);
  const after = await runShader(
    productShader(form),
    productUniform(form, call),
    operands,
    options.folds === undefined ? [x, y, z] : [Math.ceil(x / options.folds), options.folds, 1],
  );
  return { form, call, rows, weight, bias, output: (after.at(-1) as Float32Array).subarray(outputOffset) };
}

/** The numbers after `offset` others. */
function behind(numbers: Float32Array, offset: number): Float32Array {
  const moved = new Float32Array(offset + numbers.length).fill(NaN);
  moved.set(numbers, offset);
  return moved;
}

function checkProduct(
  t: ExecutionContext,
  { call, rows, weight, bias, output }: Awaited<ReturnType<typeof multiply>>,
  dead: readonly number[] = [],
): void {
  const { depth, columns, segmentColumns, segmentStride, rowStride, firstRow, endRow } = call;
  const wrong: string[] = [];
  for (let at = 0; at < output.length; at++) {
    const segment = Math.floor(at / segmentStride);
    const row = Math.floor((at % segmentStride) / rowStride);
    const inSegment = at % rowStride;
    const column = segment * segmentColumns + inSegment;
    const isWritten =
      inSegment < segmentColumns &&
      column < columns &&
      row >= firstRow &&
      row < endRow &&
      !dead.includes(segment);
    let [sum, size] = [isWritten ? (bias?.[column] ?? 0) : unwritten, 0];
    for (let k = 0; isWritten && k < depth; k++) {
      const term = rows[row * depth + k]! * weight[column * depth + k]!;
      sum += term;
      size += Math.abs(term);
    }
    const error = Math.abs(output[at]! - sum);
    const allowed = isWritten ? (depth + 1) * 2 ** -24 * (size + Math.abs(sum)) : 0;
    if (!(error <= allowed)) wrong.push(`row ${row}, column ${column}: ${output[at]!} instead of ${sum}`);
  }
  t.deepEqual(wrong.slice(0, 5), []);
}

function matches(title: string, options: ProductCase): void {
  gpuTest(title, async (t) => {
    checkProduct(t, await multiply(options), options.dead);
  });
}

for (const tile of [32, 64] as const) {
  for (const [rowCount, depth, columns, segmentColumns] of [
    [1, 1, 1, 1],
    [1, 16, 64, 64],
    [3, 7, 5, 64],
    [33, 17, 70, 64],
    [64, 32, 64, 32],
    [65, 40, 90, 18],
    [70, 20, 21, 7],
    [31, 256, 12, 3],
  ] as const) {
    matches(`${rowCount} rows, depth ${depth}, ${columns} columns by ${segmentColumns}, tiles of ${tile}`, {
      rowCount,
      depth,
      columns,
      segmentColumns,
      tile,
    });
  }
  matches(`no bias, tiles of ${tile}`, { rowCount: 5, depth: 24, columns: 12, bias: null, tile });
  matches(`dead segments are not computed, tiles of ${tile}`, {
    rowCount: 40,
    depth: 12,
    columns: 110,
    segmentColumns: 10,
    dead: [0, 3, 4, 5, 9],
    tile,
  });
  matches(`panels are written at once, tiles of ${tile}`, {
    rowCount: 35,
    depth: 8,
    columns: 100,
    segmentColumns: 20,
    dead: [2],
    gap: 4,
    tile,
  });
  matches(`a range of the rows, tiles of ${tile}`, {
    rowCount: 90,
    depth: 9,
    columns: 33,
    firstRow: 5,
    endRow: 81,
    tile,
  });
}

for (const offsets of [
  [8, 5, 12],
  [3, 2, 7],
] as const) {
  matches(`operands start at ${offsets.join(', ')}`, {
    rowCount: 9,
    depth: 12,
    columns: 40,
    gap: 4,
    offsets,
  });
}
matches('workgroups are folded', { rowCount: 70, depth: 5, columns: 100, tile: 32, folds: 5 });

gpuTest('sums are as exact as promised', async (t) => {
  const { call, rows, weight, bias, output } = await multiply({
    rowCount: 12,
    depth: 300,
    columns: 40,
    gap: 0,
  });
  const { depth, columns, rowStride } = call;
  const { fround } = Math;
  const [actual, oracle, naive]: [number[], number[], number[]] = [[], [], []];
  for (let n = 0; n < 12 * columns; n++) {
    const [row, column] = [Math.floor(n / columns), n % columns];
    let [exact, plain] = [bias![column]!, bias![column]!];
    for (let k = 0; k < depth; k++) {
      const term = rows[row * depth + k]! * weight[column * depth + k]!;
      exact += term;
      plain = fround(plain + fround(term));
    }
    actual.push(output[row * rowStride + column]!);
    oracle.push(exact);
    naive.push(plain);
  }
  t.is(findImprecision({ actual, oracle, naive }), undefined);
});

gpuTest('both tiles give the same bytes', async (t) => {
  const options = { rowCount: 70, depth: 52, columns: 100, segmentColumns: 50 };
  const small = await multiply({ ...options, tile: 32 });
  const large = await multiply({ ...options, tile: 64 });
  assertSameBytes(t, small.output, large.output);
});

for (const depth of [20, 21]) {
  gpuTest(
    `the bytes of a row of ${depth} do not depend on where it lies or what lies beside it`,
    async (t) => {
      const row = normalTensor([depth], 8).data;
      const alone = await multiply({ rowCount: 1, depth, columns: 33, rows: row });
      const rows = normalTensor([66, depth], 9).data;
      rows.fill(NaN, 40 * depth, 41 * depth);
      rows.fill(Infinity, 42 * depth, 43 * depth);
      rows.set(row, 41 * depth);
      for (const tile of [32, 64] as const) {
        const among = await multiply({ rowCount: 66, depth, columns: 33, rows, tile });
        const { rowStride } = among.call;
        assertSameBytes(t, among.output.subarray(41 * rowStride, 42 * rowStride), alone.output);
        t.true(among.output.subarray(40 * rowStride, 40 * rowStride + 33).every(Number.isNaN));
        const others = among.output.filter((_, at) => ![40, 42].includes(Math.floor(at / rowStride)));
        t.true(others.every(Number.isFinite));
      }
    },
  );
}

gpuTest('an infinite bias touches its column alone', async (t) => {
  const options = { rowCount: 3, depth: 5, columns: 12, segmentColumns: 12 };
  const clean = await multiply(options);
  const bias = clean.bias!.slice();
  bias[4] = Infinity;
  const { output, call } = await multiply({ ...options, bias });
  assertSameBytes(
    t,
    output,
    clean.output.map((value, at) => (at % call.rowStride === 4 ? Infinity : value)),
  );
});

test('the form follows from shapes: large tiles where they fill a device', (t) => {
  const call = {
    depth: 64,
    firstRow: 0,
    endRow: 512,
    columns: 512,
    segmentColumns: 64,
    rowsOffset: 0,
    panelsOffset: 0,
    outputOffset: 0,
    segmentStride: 0,
    rowStride: 512,
    listed: null,
  };
  t.deepEqual(productForm(call), { tile: 64, isWide: true, storesWide: true });
  t.is(productForm({ ...call, endRow: 8 }).tile, 32);
  t.is(productGroups(productForm(call), { ...call, listed: 0 })[0], 0);
  t.false(productForm({ ...call, depth: 63 }).isWide);
  t.false(productForm({ ...call, rowsOffset: 2 }).isWide);
  for (const name of ['columns', 'segmentColumns', 'segmentStride', 'rowStride', 'outputOffset'] as const) {
    t.false(productForm({ ...call, [name]: 514 }).storesWide, name);
  }
});

test('the text costs what is said of it', (t) => {
  for (const tile of [32, 64] as const) {
    const { code } = productShader({ tile, isWide: true, storesWide: true });
    const cost = costOf({ tile });
    const step = code.slice(code.indexOf('for (var k'), code.indexOf('for (var v'));
    const count = (text: string, part: RegExp): number => (text.match(part) ?? []).length;
    t.is(count(step, /workgroupBarrier\(\)/g), cost.barriersPerStep);
    t.is(count(code, /workgroupBarrier\(\)/g), cost.barriersPerStep);
    t.is(count(step, /fetch(Row|Panel)\(/g), cost.fetchesPerStep);
    // One of each a fetch, and the biases.
    t.deepEqual([count(code, / rows\[/g), count(code, / panels\[/g)], [1, 2]);
    const memory = [...code.matchAll(/var<workgroup> \w+: array<vec4<f32>, (\d+)>/g)];
    t.is(
      memory.reduce((sum, [, length]) => sum + 16 * Number(length), 0),
      cost.workgroupBytes,
    );
    t.true(cost.workgroupBytes <= 16_384);
    t.true(code.includes(`@workgroup_size(${cost.threads})`));
  }
  t.is(costOf({ tile: 64 }).bytesPerMultiplyAdd, 1 / 8);
  t.is(costOf({ tile: 32 }).bytesPerMultiplyAdd, 1 / 4);
});
