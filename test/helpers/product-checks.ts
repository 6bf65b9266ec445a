// What `pack` and `project` of every kernel must do, as functions that throw.
import assert from 'node:assert/strict';
import { packedLength } from '../../src/core/protocol/layout.js';
import { collectGarbage } from '../../src/measure/grid/lab.js';
import { isSurroundingIntact, margin, read, type KernelBench } from './kernel-bench.js';
import { normalTensor } from './random.js';
import { strided } from './strided.js';

export function checkProducts(bench: KernelBench): void {
  for (let columns = 1; columns <= 33; columns++) {
    for (let depth = 1; depth <= 33; depth++) {
      const rowCount = 1 + ((columns + depth) % 9);
      checkProduct(bench, rowCount, depth, columns, (columns * depth) % 2 === 0, depth % 3 !== 0);
    }
  }
  for (const [rowCount, depth, columns] of [
    [97, 3, 8],
    [4, 257, 16],
    [5, 64, 65],
  ] as const) {
    checkProduct(bench, rowCount, depth, columns, true, true);
  }
}

/** One product against float64, by the bound of Higham's γ: each of depth + 1 roundings is at most half an ulp. */
function checkProduct(
  { kernel, place, placeOutside }: KernelBench,
  rowCount: number,
  depth: number,
  columns: number,
  isOutside: boolean,
  hasBias: boolean,
): void {
  const label = `${rowCount} rows, depth ${depth}, ${columns} columns`;
  const put = isOutside ? placeOutside : place;
  const x = normalTensor([rowCount, depth], depth).data;
  const weight = normalTensor([columns, depth], columns).data;
  const bias = normalTensor([columns], 5).data;
  const panels = place(new Float32Array(packedLength(columns, depth, kernel.traits.panelColumns)).fill(NaN));
  const stride = columns + 2;
  const output = put(new Float32Array(rowCount * stride).fill(7));
  kernel.pack({ weight: put(weight), bias: hasBias ? put(bias) : null, columns, depth, panels });
  kernel.project({
    rows: put(x),
    rowCount,
    depth,
    panels,
    columns,
    output: strided(output, { rowStride: stride }),
  });
  for (let row = 0; row < rowCount; row++) {
    for (let c = 0; c < columns; c++) {
      let sum = hasBias ? bias[c]! : 0;
      let size = Math.abs(sum);
      for (let k = 0; k < depth; k++) {
        const product = x[row * depth + k]! * weight[c * depth + k]!;
        sum += product;
        size += Math.abs(product);
      }
      const actual = output.data[output.offset + row * stride + c]!;
      assert.ok(Math.abs(actual - sum) <= (depth + 2) * 2 ** -24 * size, `${label}: row ${row}, column ${c}`);
    }
  }
  assert.ok(isSurroundingIntact(output, rowCount * stride), label);
}

export function checkProductMargins({ kernel, place, placeOutside }: KernelBench): void {
  for (const put of [place, placeOutside]) {
    for (const columns of [1, 7, 8, 9, 20]) {
      const panels = place(new Float32Array(packedLength(columns, 2, kernel.traits.panelColumns)));
      const output = put(new Float32Array(5 * (columns + 4)).fill(7));
      kernel.pack({ weight: put(new Float32Array(columns * 2)), bias: null, columns, depth: 2, panels });
      kernel.project({
        rows: put(new Float32Array(10)),
        rowCount: 5,
        depth: 2,
        panels,
        columns,
        output: strided(output, { rowStride: columns + 4 }),
      });
      const written = read(output, 5 * (columns + 4));
      written.forEach((value, n) => {
        assert.equal(value, n % (columns + 4) < columns ? 0 : 7, `${columns} columns: element ${n}`);
      });
      assert.ok(isSurroundingIntact(panels, panels.data.length - 2 * margin));
    }
  }
}

/** In one turn of the event loop, as workers spend their lives: some things are let go only when it turns. */
export function checkProductKeepsNothing({ kernel, place }: KernelBench): void {
  const [rowCount, depth, columns] = [4096, 64, 1];
  const panels = place(new Float32Array(packedLength(columns, depth, kernel.traits.panelColumns)));
  kernel.pack({ weight: place(new Float32Array(depth)), bias: null, columns, depth, panels });
  const output = strided(place(new Float32Array(rowCount)), { rowStride: 1 });
  const inUse = (): number => {
    // What the first one finds is let go beside this thread, which the second one waits for.
    collectGarbage();
    collectGarbage();
    return process.memoryUsage().arrayBuffers;
  };
  const before = inUse();
  for (let call = 0; call < 20; call++) {
    const rows = { data: new Float32Array(rowCount * depth), offset: 0 };
    kernel.project({ rows, rowCount, depth, panels, columns, output });
  }
  const kept = (inUse() - before) / (4 * rowCount * depth);
  assert.ok(kept < 5, `the rows of ${kept.toFixed(1)} of 20 calls are still in memory`);
}
