// The table of docs/gpu.md against what forms cost: of each kernel and tile, and what two devices would reach by it.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { costOf as attendCost } from '../../../workers/kernels/gpu/attend/cost.js';
import { formFor, rowsOf } from '../../../workers/kernels/gpu/attend/form.js';
import { costOf as productCost } from '../../../workers/kernels/gpu/product-cost.js';
import { stepDepth } from '../../../workers/kernels/gpu/product.js';
import { packageRoot } from '../../helpers/package-root.js';

const page = readFileSync(new URL('docs/gpu.md', packageRoot()), 'utf8');

const laptop = { bytesPerSecond: 80e9, flopPerSecond: Infinity };
const h200 = { bytesPerSecond: 4.8e12, flopPerSecond: 67e12 };

/** What memory or arithmetic leaves, in TFLOP/s. */
function roofOf(device: typeof laptop, bytesPerMultiplyAdd: number): string {
  const fromMemory = (2 * device.bytesPerSecond) / bytesPerMultiplyAdd;
  return String(Number((Math.min(fromMemory, device.flopPerSecond) / 1e12).toPrecision(3)));
}

interface Cost {
  readonly bytesPerMultiplyAdd: number;
  readonly workgroupBytes: number;
  readonly threads: number;
  readonly registers: number;
}

function rowOf(name: string, cost: Cost, barriers: string): string {
  const { bytesPerMultiplyAdd: bytes, workgroupBytes, threads, registers } = cost;
  const kibibytes = (workgroupBytes / 1024).toFixed(1);
  const cells = [name, bytes, `${kibibytes} KiB`, threads, registers, barriers];
  return `| ${[...cells, roofOf(laptop, bytes), roofOf(h200, bytes)].join(' | ')} |`;
}

for (const tile of [64, 32] as const) {
  test(`the page says what a product by tiles of ${tile} x ${tile} costs`, (t) => {
    const cost = productCost({ tile });
    const barriers = `${cost.barriersPerStep} each ${stepDepth} of the depth`;
    const row = rowOf(`product, tile ${tile} x ${tile}`, cost, barriers);
    t.true(page.includes(row), row);
  });
}

for (const workgroupKibibytes of [32, 16]) {
  for (const dims of [64, 128, 256]) {
    test(`the page says what attention costs with ${workgroupKibibytes} KiB and heads of ${dims}`, (t) => {
      const limits = { maxComputeWorkgroupStorageSize: 1024 * workgroupKibibytes };
      const form = formFor(limits, dims, dims);
      const cost = attendCost(form, { headDim: dims, valueDim: dims });
      const name = `attention, D = ${dims}, ${workgroupKibibytes} KiB: ${rowsOf(form)} rows x ${form.tileKeys} keys`;
      const row = rowOf(name, cost, `${cost.barriersPerKey} a key`);
      t.true(page.includes(row), row);
    });
  }
}
