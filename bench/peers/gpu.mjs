// gpu.js in Node without a graphics driver: its kernels run as WebAssembly on the processor, or as plain JavaScript.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { GPU } from 'gpu.js';

/** @param {{ threads: number }} options */
export async function openPeer({ threads }) {
  const manifest = createRequire(import.meta.url).resolve('gpu.js/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
  // A pipeline runs on one thread or on as many as the machine has.
  const used = threads === 1 ? 1 : availableParallelism();
  return { version, threads: used, createLayer: (layer) => createLayer({ ...layer, threads: used }) };
}

/**
 * Self-attention of x [tokens, modelDim]; weights { q, k, v, o: { weight [out, in], bias [out] } }. The kernels are
 * those that one writes first, each cell of a result computed by itself. `form` is the backend, 'webasm' or 'cpu'.
 */
async function createLayer({ form, weights, x, tokens, modelDim, heads, threads }) {
  const headDim = modelDim / heads;
  const gpu = new GPU({ mode: form });
  const constants = { tokens, modelDim, headDim, scale: 1 / Math.sqrt(headDim) };
  // The sizes of a result in the order of `this.thread`: x, y, z; z moves slowest.
  const kernel = (cell, output) => gpu.createKernel(cell, { output, constants, precision: 'single' });
  const project = kernel(projectCell, [modelDim, tokens]);
  const score = kernel(scoreCell, [tokens, tokens, heads]);
  const findLargest = kernel(largestCell, [tokens, heads]);
  const exponentiate = kernel(exponentialCell, [tokens, tokens, heads]);
  const sum = kernel(sumCell, [tokens, heads]);
  const mix = kernel(mixCell, [modelDim, tokens]);
  const linears = ['q', 'k', 'v', 'o'].map((name) => [
    columnsOf(weights[name].weight, modelDim),
    weights[name].bias,
  ]);
  const pipeline = gpu.createPipeline(
    (rows) => {
      const [q, k, v] = linears.slice(0, 3).map((linear) => project(rows, ...linear));
      const scores = score(q, k);
      const exponentials = exponentiate(scores, findLargest(scores));
      return project(mix(exponentials, sum(exponentials), v), ...linears[3]);
    },
    { threads: threads > 1 },
  );
  const input = rowsOf(x, modelDim);
  return {
    run: async () => {
      const y = new Float32Array(tokens * modelDim);
      (await pipeline(input)).forEach((row, token) => y.set(row, token * modelDim));
      return y;
    },
    dispose: () => gpu.destroy(),
  };
}

function rowsOf(flat, width) {
  const start = (row) => row * width;
  return Array.from({ length: flat.length / width }, (_, row) => flat.subarray(start(row), start(row + 1)));
}

function columnsOf(flat, width) {
  const rows = rowsOf(flat, width);
  return Array.from({ length: width }, (_, column) => Float32Array.from(rows, (row) => row[column]));
}

// What follows is translated by gpu.js: a subset of JavaScript, run once for each cell of the result.

function projectCell(rows, weight, bias) {
  let sum = bias[this.thread.x];
  for (let i = 0; i < this.constants.modelDim; i++) {
    sum += rows[this.thread.y][i] * weight[i][this.thread.x];
  }
  return sum;
}

function scoreCell(q, k) {
  const first = this.thread.z * this.constants.headDim;
  let sum = 0;
  for (let d = 0; d < this.constants.headDim; d++) {
    sum += q[this.thread.y][first + d] * k[this.thread.x][first + d];
  }
  return sum * this.constants.scale;
}

function largestCell(scores) {
  let largest = scores[this.thread.y][this.thread.x][0];
  for (let j = 1; j < this.constants.tokens; j++) {
    largest = Math.max(largest, scores[this.thread.y][this.thread.x][j]);
  }
  return largest;
}

function exponentialCell(scores, largest) {
  return Math.exp(
    scores[this.thread.z][this.thread.y][this.thread.x] - largest[this.thread.z][this.thread.y],
  );
}

function sumCell(exponentials) {
  let sum = 0;
  for (let j = 0; j < this.constants.tokens; j++) {
    sum += exponentials[this.thread.y][this.thread.x][j];
  }
  return sum;
}

function mixCell(exponentials, sums, v) {
  const head = Math.floor(this.thread.x / this.constants.headDim);
  let sum = 0;
  for (let j = 0; j < this.constants.tokens; j++) {
    sum += exponentials[head][this.thread.y][j] * v[j][this.thread.x];
  }
  return sum / sums[head][this.thread.y];
}
