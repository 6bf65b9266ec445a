// What `attend` and `merge` of every kernel must do with decoding blocks, wherever their operands lie, as functions that
// throw.
import assert from 'node:assert/strict';
import type { AttentionBlock } from '../../workers/kernels/kernel.js';
import { attendOracle } from '../oracle/oracle.js';
import { attendRanges, decodingBlock, decodingCase, resultsOf } from './decode-block.js';
import { isSurroundingIntact, read, type KernelBench } from './kernel-bench.js';
import { attendNaive32 } from './naive32.js';
import { normalTensor } from './random.js';
import { strided } from './strided.js';
import { findDeviation, PrecisionPool } from './tolerance.js';

export function checkRanges({ kernel, place, placeOutside }: KernelBench): void {
  const pool = new PrecisionPool();
  for (const [n, [queries, group, headDim, valueDim]] of (
    [
      [1, 1, 1, 1],
      [2, 1, 3, 5],
      [3, 1, 8, 8],
      [1, 4, 17, 9],
      [2, 2, 40, 33],
      [7, 1, 4, 64],
      [4, 2, 15, 16],
      [1, 8, 64, 7],
    ] as const
  ).entries()) {
    const put = n % 2 === 0 ? place : placeOutside;
    for (const keys of [1, 63, 64, 65, 130, 200]) {
      const oracle = decodingCase(group, {
        queries,
        keys,
        headDim,
        valueDim,
        causal: 'bottom-right',
        seed: keys + n,
      });
      const [wanted, naive] = [attendOracle(oracle), attendNaive32(oracle).output];
      const check = (title: string, run: (block: AttentionBlock) => void): Float32Array => {
        const block = { ...decodingBlock(place, put, oracle, { right: 0 }), position: keys - queries };
        run(block);
        const { output, logSumExp } = resultsOf(block);
        const label = `${JSON.stringify(oracle.dims)} ${title}`;
        assert.equal(findDeviation(output, wanted.output), undefined, label);
        assert.equal(findDeviation(logSumExp, wanted.logSumExp, 2e-6, 1e-6), undefined, label);
        pool.add({ actual: output, oracle: wanted.output, naive }, label);
        return output;
      };
      const whole = check('in one piece', (block) => {
        kernel.attend(block);
      });
      for (const keysPerRange of [50, 64, 100]) {
        const title = `in ranges of ${keysPerRange}`;
        const parts = check(title, (block) => {
          attendRanges({ kernel, place }, block, keysPerRange);
        });
        assert.equal(findDeviation(parts, whole, 2e-6, 0), undefined, title);
      }
    }
  }
  assert.equal(pool.findProblem(), undefined);
}

/** Rows at strides of their own among sevens: element d of (i, g) at i * rowStride + g * headStride + d. */
function spreadRows(rows: ArrayLike<number>, queries: number, group: number, dims: number) {
  const [headStride, rowStride] = [dims + 1, group * (dims + 1) + 2];
  const numbers = new Float32Array(queries * rowStride).fill(7);
  for (let row = 0; row < queries * group; row++) {
    const start = (row % queries) * rowStride + Math.floor(row / queries) * headStride;
    for (let d = 0; d < dims; d++) numbers[start + d] = rows[row * dims + d]!;
  }
  return { numbers, strides: { headStride, rowStride } };
}

/** Rows `gap` apart, NaN between them. */
function spreadKeys(rows: ArrayLike<number>, dims: number, gap: number): Float32Array {
  const stride = dims + gap;
  return Float32Array.from({ length: (rows.length / dims) * stride }, (_, n) =>
    n % stride < dims ? rows[Math.floor(n / stride) * dims + (n % stride)]! : NaN,
  );
}

export function checkRangeMargins({ kernel, place, placeOutside }: KernelBench): void {
  const [keys, headDim, valueDim] = [150, 5, 6];
  for (const put of [place, placeOutside]) {
    for (const [queries, group] of [
      [1, 1],
      [3, 2],
      [1, 8],
    ] as const) {
      const oracle = decodingCase(group, { queries, keys, headDim, valueDim });
      const query = spreadRows(oracle.q, queries, group, headDim);
      const rows = spreadRows(new Float32Array(group * queries * valueDim).fill(7), queries, group, valueDim);
      const output = put(rows.numbers);
      const sums = put(new Float32Array(group * (queries + 1)).fill(7));
      const block = {
        ...decodingBlock(place, put, oracle),
        query: strided(put(query.numbers), query.strides),
        key: strided(place(spreadKeys(oracle.k, headDim, 3)), { rowStride: headDim + 3 }),
        value: strided(place(spreadKeys(oracle.v, valueDim, 2)), { rowStride: valueDim + 2 }),
        output: strided(output, rows.strides),
        logSumExp: strided(sums, { headStride: queries + 1, rowStride: 1 }),
      };
      const label = `${queries} queries, ${group} heads, ${put === place ? 'inside' : 'outside'} the arena`;
      attendRanges({ kernel, place }, block, 64, () => {
        assert.ok(isSurroundingIntact(output, 0), `output before merging: ${label}`);
        assert.ok(isSurroundingIntact(sums, 0), `sums before merging: ${label}`);
      });
      const wanted = attendOracle(oracle);
      const wantedRows = spreadRows(wanted.output, queries, group, valueDim).numbers;
      const wantedSums = Float32Array.from({ length: sums.data.length - 6 }, (_, n) => {
        const [g, i] = [Math.floor(n / (queries + 1)), n % (queries + 1)];
        return i < queries ? wanted.logSumExp[g * queries + i]! : 7;
      });
      assert.equal(findDeviation(read(output, wantedRows.length), wantedRows), undefined, label);
      assert.equal(findDeviation(read(sums, wantedSums.length), wantedSums), undefined, label);
      assert.ok(isSurroundingIntact(output, wantedRows.length), label);
      assert.ok(isSurroundingIntact(sums, wantedSums.length), label);
    }
  }
}

export function checkDecodingWeights({ kernel, place, placeOutside }: KernelBench): void {
  const [queries, group, keys, extraColumn, columns] = [2, 3, 130, 133, 135];
  const extra = { count: 2, k: normalTensor([2, 4], 8).data, v: normalTensor([2, 4], 9).data };
  const oracle = { ...decodingCase(group, { queries, keys, headDim: 4, causal: 'bottom-right' }), extra };
  const all = attendOracle(oracle);
  for (const put of [place, placeOutside]) {
    for (const isAdded of [false, true]) {
      const copies = isAdded ? 1 : group;
      const weights = put(new Float32Array(copies * queries * columns).fill(1));
      const headStride = isAdded ? 0 : queries * columns;
      const block = {
        ...decodingBlock(place, put, oracle, { right: 0 }),
        position: keys - queries,
        extra: {
          count: 2,
          key: strided(place(extra.k), { rowStride: 4 }),
          value: strided(place(extra.v), { rowStride: 4 }),
        },
        weights: {
          ...strided(weights, { headStride, rowStride: columns }),
          extraColumn,
          share: 0.5,
          isAdded,
        },
      };
      kernel.attend(block);
      const wanted = new Float64Array(copies * queries * columns).fill(1);
      for (let n = 0; n < all.weights.length; n++) {
        const [row, j] = [Math.floor(n / (keys + 2)), n % (keys + 2)];
        const at = (isAdded ? row % queries : row) * columns + (j < keys ? j : j - keys + extraColumn);
        wanted[at] = (isAdded ? wanted[at]! : 0) + 0.5 * all.weights[n]!;
      }
      const label = isAdded ? 'added' : 'stored';
      // Between the keys and the extra ones there is padding, which a caller has zeroed.
      const isPadding = (n: number): boolean => n % columns >= keys && n % columns < extraColumn;
      const actual = read(weights, wanted.length).map((value, n) => (isPadding(n) ? 1 : value));
      assert.equal(findDeviation(actual, wanted), undefined, label);
      assert.equal(findDeviation(resultsOf(block).output, all.output), undefined, label);
      assert.ok(isSurroundingIntact(weights, wanted.length), label);
    }
  }
}

export function checkDecodingRowsAlone({ kernel, place }: KernelBench): void {
  const [queries, keys, headDim, valueDim] = [8, 150, 13, 11];
  const oracle = decodingCase(1, { queries, keys, headDim, valueDim });
  const block = decodingBlock(place, place, oracle);
  for (const right of [Infinity, 0, 60, 63, 140]) {
    const rules = { ...block.rules, right };
    kernel.attend({ ...block, rules });
    const together = resultsOf(block).output;
    for (let i = 0; i < queries; i++) {
      const output = place(new Float32Array(valueDim));
      const query = { ...block.query, offset: block.query.offset + i * headDim };
      const alone = { queries: 1, position: i, query, output: { ...block.output, ...output } };
      kernel.attend({ ...block, ...alone, rules });
      const row = together.subarray(i * valueDim, (i + 1) * valueDim);
      assert.deepEqual(read(output, valueDim), row, `${right} keys to the right, query ${i}`);
    }
  }
}
