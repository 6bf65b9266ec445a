// What `attend` of every kernel must do with operands wherever they lie, as functions that throw.
import assert from 'node:assert/strict';
import { attendOracle } from '../oracle/oracle.js';
import { attentionCase } from './attention-case.js';
import { blockOf, isSurroundingIntact, read, type KernelBench } from './kernel-bench.js';
import { attendNaive32 } from './naive32.js';
import { normalTensor, randomMask } from './random.js';
import { strided } from './strided.js';
import { findDeviation, PrecisionPool } from './tolerance.js';

export function checkStrides({ kernel, place, placeOutside }: KernelBench): void {
  const pool = new PrecisionPool();
  for (const put of [place, placeOutside]) {
    for (const [group, queries, keys] of [
      [1, 1, 1],
      [1, 49, 65],
      [2, 25, 64],
      [3, 17, 130],
      [4, 3, 7],
    ] as const) {
      const { oracle } = attentionCase({
        heads: group,
        kvHeads: 1,
        queries,
        keys,
        headDim: 5,
        valueDim: 3,
        causal: 'bottom-right',
      });
      // Heads side by side with a gap of two: [queries, group · dims + 2].
      const spread = (dims: number, valueOf: (g: number, i: number, d: number) => number) => {
        const width = group * dims + 2;
        return Float32Array.from({ length: queries * width }, (_, n) => {
          const [i, column] = [Math.floor(n / width), n % width];
          return column < group * dims ? valueOf(Math.floor(column / dims), i, column % dims) : 7;
        });
      };
      const output = put(spread(3, () => 7));
      kernel.attend(
        blockOf({
          group,
          queries,
          keys,
          headDim: 5,
          valueDim: 3,
          query: strided(put(spread(5, (g, i, d) => oracle.q[(g * queries + i) * 5 + d]!)), {
            headStride: 5,
            rowStride: group * 5 + 2,
          }),
          key: place(oracle.k),
          value: place(oracle.v),
          output: strided(output, { headStride: 3, rowStride: group * 3 + 2 }),
          position: keys - queries,
          rules: { right: 0 },
        }),
      );
      const [wanted, naive] = [attendOracle(oracle).output, attendNaive32(oracle).output];
      const [at, at32] = [wanted, naive].map((o) =>
        spread(3, (g, i, d) => o[(g * queries + i) * 3 + d]!),
      ) as [Float32Array, Float32Array];
      const actual = read(output, at.length);
      assert.equal(findDeviation(actual, at), undefined, `${group} heads, ${queries} queries, ${keys} keys`);
      assert.ok(isSurroundingIntact(output, at.length));
      pool.add({ actual, oracle: at, naive: at32 });
    }
  }
  assert.equal(pool.findProblem(), undefined);
}

export function checkMasks({ kernel, place, placeOutside }: KernelBench): void {
  for (const put of [place, placeOutside]) {
    for (const kind of ['mask', 'bias', 'both'] as const) {
      const [group, queries, keys] = [2, 30, 70];
      const mask = randomMask([1, group, queries, keys], 4);
      const bias = normalTensor([queries, 1], 5);
      const given = { ...(kind !== 'bias' && { mask }), ...(kind !== 'mask' && { bias }) };
      const { oracle } = attentionCase({ heads: group, kvHeads: 1, queries, keys, headDim: 4, ...given });
      const output = put(new Float32Array(group * queries * 4));
      // A key's number is every second one, which nothing but strides tells.
      const maskAt = { data: new Uint8Array(new SharedArrayBuffer(2 * mask.data.length)), offset: 1 };
      mask.data.forEach((value, n) => (maskAt.data[1 + 2 * n] = value));
      const maskStrides = { headStride: 2 * queries * keys, rowStride: 2 * keys, columnStride: 2 };
      kernel.attend(
        blockOf({
          group,
          queries,
          keys,
          headDim: 4,
          valueDim: 4,
          output,
          query: put(oracle.q),
          key: place(oracle.k),
          value: place(oracle.v),
          rules: {
            mask: given.mask ? strided(maskAt, maskStrides) : null,
            bias: given.bias ? strided(put(bias.data), { rowStride: 1, columnStride: 0 }) : null,
          },
        }),
      );
      assert.equal(
        findDeviation(read(output, group * queries * 4), attendOracle(oracle).output),
        undefined,
        kind,
      );
    }
  }
}

export function checkAddedWeights({ kernel, place, placeOutside }: KernelBench): void {
  for (const put of [place, placeOutside]) {
    const [group, queries, keys] = [3, 5, 66];
    const { oracle } = attentionCase({ heads: group, kvHeads: 1, queries, keys, headDim: 4 });
    const weights = put(new Float32Array(queries * keys).fill(1));
    const block = blockOf({
      group,
      queries,
      keys,
      headDim: 4,
      valueDim: 4,
      query: put(oracle.q),
      key: place(oracle.k),
      value: place(oracle.v),
      output: put(new Float32Array(group * queries * 4)),
      weights: {
        ...strided(weights, { rowStride: keys }),
        extraColumn: keys,
        share: 0.5,
        isAdded: true,
      },
    });
    kernel.attend(block);
    const perHead = attendOracle(oracle).weights;
    const wanted = Float64Array.from({ length: queries * keys }, (_, n) =>
      [0, 1, 2].reduce((sum, g) => sum + 0.5 * perHead[g * queries * keys + n]!, 1),
    );
    assert.equal(findDeviation(read(weights, queries * keys), wanted), undefined);
    assert.ok(isSurroundingIntact(weights, queries * keys));
  }
}

export function checkExtraColumn({ kernel, place, placeOutside }: KernelBench): void {
  for (const put of [place, placeOutside]) {
    const [queries, keys, extraColumn] = [3, 4, 9];
    const { oracle } = attentionCase({ queries, keys, headDim: 4 });
    const extra = { count: 2, k: normalTensor([2, 4], 8).data, v: normalTensor([2, 4], 9).data };
    const weights = put(new Float32Array(queries * 11));
    kernel.attend(
      blockOf({
        queries,
        keys,
        headDim: 4,
        valueDim: 4,
        query: put(oracle.q),
        key: place(oracle.k),
        value: place(oracle.v),
        output: put(new Float32Array(queries * 4)),
        extra: {
          count: 2,
          key: strided(place(extra.k), { rowStride: 4 }),
          value: strided(place(extra.v), { rowStride: 4 }),
        },
        weights: { ...strided(weights, { rowStride: 11 }), extraColumn, share: 1, isAdded: false },
      }),
    );
    const all = attendOracle({ ...oracle, extra }).weights; // [queries, 4 + 2]
    const wanted = Float64Array.from({ length: queries * 11 }, (_, n) => {
      const [i, column] = [Math.floor(n / 11), n % 11];
      if (column < keys) return all[i * 6 + column]!;
      return column >= extraColumn ? all[i * 6 + keys + column - extraColumn]! : 0;
    });
    assert.equal(findDeviation(read(weights, queries * 11), wanted), undefined);
  }
}

export function checkEmptyAfterFull({ kernel, place, placeOutside }: KernelBench): void {
  for (const put of [place, placeOutside]) {
    const { oracle } = attentionCase({ queries: 9, keys: 20, headDim: 4, spread: 1e10 });
    const output = put(new Float32Array(36).fill(NaN));
    const logSumExp = strided(put(new Float32Array(9)), { headStride: 9, rowStride: 1 });
    const operands = {
      queries: 9,
      headDim: 4,
      valueDim: 4,
      query: put(oracle.q),
      key: place(oracle.k),
      value: place(oracle.v),
      output,
      logSumExp,
    };
    kernel.attend(blockOf({ ...operands, keys: 20 }));
    for (const emptied of [
      { keys: 0 },
      { keys: 20, position: -9, rules: { right: 0 } },
      { keys: 20, position: 20, rules: { left: 0 } },
    ]) {
      output.data.fill(NaN);
      kernel.attend(blockOf({ ...operands, ...emptied }));
      assert.ok(read(output, 36).every((value) => Object.is(value, 0)));
      assert.ok(read(logSumExp, 9).every((value) => value === -Infinity));
    }
  }
}

export function checkNaN({ kernel, place }: KernelBench): void {
  const [queries, keys] = [9, 70];
  const mask = randomMask([queries, keys], 6, 0.5);
  const { oracle } = attentionCase({ queries, keys, headDim: 4, mask });
  for (const j of [0, 5, 63, 64, 69]) {
    const output = place(new Float32Array(queries * 4));
    kernel.attend(
      blockOf({
        queries,
        keys,
        headDim: 4,
        valueDim: 4,
        output,
        query: place(oracle.q),
        key: place(Float32Array.from(oracle.k, (value, n) => (n === j * 4 + 2 ? NaN : value))),
        value: place(oracle.v),
        rules: { mask: strided({ data: mask.data, offset: 0 }, { rowStride: keys }) },
      }),
    );
    const numbers = read(output, queries * 4);
    for (let i = 0; i < queries; i++) {
      const isReached = mask.data[i * keys + j] !== 0;
      const row = numbers.subarray(i * 4, i * 4 + 4);
      assert.ok(
        row.every((value) => Number.isNaN(value) === isReached),
        `key ${j}, query ${i}`,
      );
    }
  }
}

export function checkRowsAlone({ kernel, place }: KernelBench): void {
  const [queries, keys] = [60, 150];
  const { oracle } = attentionCase({ queries, keys, headDim: 4 });
  const [query, key, value] = [place(oracle.q), place(oracle.k), place(oracle.v)];
  for (const [position, left, right] of [
    [0, Infinity, 0],
    [10, 0, Infinity],
    [0, 5, 70],
    [20, 0, 70],
    [63, 0, 1],
  ] as const) {
    const run = (first: number, count: number): Float32Array => {
      const output = place(new Float32Array(count * 4));
      const from = { data: query.data, offset: query.offset + first * 4 };
      const operands = { query: from, key, value, output, keys, headDim: 4, valueDim: 4, queries: count };
      kernel.attend(blockOf({ ...operands, position: position + first, rules: { left, right } }));
      return read(output, count * 4);
    };
    const block = run(0, queries);
    const mask = (_b: number, _h: number, i: number, j: number) =>
      j >= i + position - left && j <= i + position + right;
    assert.equal(findDeviation(block, attendOracle({ ...oracle, mask }).output), undefined);
    for (let i = 0; i < queries; i++) {
      assert.deepEqual(
        run(i, 1),
        block.slice(i * 4, i * 4 + 4),
        `query ${i} from ${position} on, ${left} to the left and ${right} to the right`,
      );
    }
  }
}
