// Norms of what heads contribute to the output of a layer, √(oᵀ·G·o) of every row and head, on the device. A workgroup
// takes 8 rows of one head; its host sums what it writes.
import type { Strided } from '../../../src/core/protocol/strided.js';
import { entryWords } from '../../../src/core/protocol/tables.js';
import { foldGroups, unfoldGroup, type Groups } from './groups.js';
import { nanBits, scaleFunctions } from './scale.js';
import type { Shader } from './shader.js';
import { defineUniform } from './uniform.js';

const threads = 64;
const tileRows = 8;
const threadRows = 4;
// Threads along the columns of G, and threads that look for the largest number of a row.
const across = threads / (tileRows / threadRows);
const lanes = threads / tileRows;

export interface ContributeForm {
  /** Numbers of a row at most; heads of nearly the same width share a text. */
  readonly mostDims: number;
}

/** Of all rows of a call. */
export interface ContributeCall {
  readonly heads: number;
  readonly valueDim: number;
  readonly concat: Pick<Strided, 'headStride' | 'rowStride'>;
  readonly rows: Uint32Array;
}

/** Where head 0 of each row of all entries starts, in the order of the rows of what is written: [rows, heads]. */
export function contributingRows(
  { rowStride }: Pick<Strided, 'rowStride'>,
  entries: Float64Array,
): Uint32Array {
  const rows: number[] = [];
  for (let at = 0; at < entries.length; at += entryWords.count) {
    for (let row = 0; row < entries[at + entryWords.queries]!; row++) {
      rows.push(entries[at + entryWords.outputOffset]! + row * rowStride);
    }
  }
  return Uint32Array.from(rows);
}

export function contributeForm({ valueDim }: Pick<ContributeCall, 'valueDim'>): ContributeForm {
  return { mostDims: 64 * Math.ceil(valueDim / 64) };
}

export function contributeGroups({ heads, rows }: ContributeCall): Groups {
  return foldGroups(Math.ceil(rows.length / tileRows) * heads);
}

export function contributeUniform({ heads, valueDim, concat, rows }: ContributeCall): ArrayBuffer {
  const { headStride } = concat;
  return uniform.fill({ rows: rows.length, heads, valueDim, headStride, nan: nanBits });
}

const uniform = defineUniform({ rows: 'u32', heads: 'u32', valueDim: 'u32', headStride: 'u32', nan: 'u32' });

/** Bindings: uniform, rows, outputs of heads, Gram matrices [heads, valueDim, valueDim], norms [rows, heads]. */
export function contributeShader(form: ContributeForm): Shader {
  // One number more than a row has, so that neighbours read from different banks.
  const pitch = form.mostDims + 1;
  const each = (text: (i: number) => string): string =>
    Array.from({ length: threadRows }, (_, i) => text(i)).join('\n');
  const code = `${uniform.declaration}
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> concat: array<f32>;
@group(0) @binding(3) var<storage, read> gram: array<f32>;
@group(0) @binding(4) var<storage, read_write> norms: array<f32>;

var<workgroup> o: array<f32, ${tileRows * pitch}>;
var<workgroup> magnitudes: array<u32, ${threads}>;
var<workgroup> sums: array<f32, ${tileRows * across}>;
${scaleFunctions}
${unfoldGroup}

fn largestOf(row: u32) -> u32 {
  var largest = 0u;
  for (var l = 0u; l < ${lanes}u; l++) { largest = max(largest, magnitudes[row * ${lanes}u + l]); }
  return largest;
}

@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let tile = unfold(group, groups);
  let head = tile % given.heads;
  let firstRow = (tile / given.heads) * ${tileRows}u;

  // pass 1: the rows, and how large they are
  let fetched = thread / ${lanes}u;
  var largest = 0u;
  for (var d = thread % ${lanes}u; d < given.valueDim; d += ${lanes}u) {
    var x = 0.0;
    if (firstRow + fetched < given.rows) {
      x = concat[rows[firstRow + fetched] + head * given.headStride + d];
    }
    o[fetched * ${pitch}u + d] = x;
    largest = max(largest, magnitude(x));
  }
  magnitudes[thread] = largest;
  workgroupBarrier();

  // pass 2: oᵀ·G·o over the columns of each thread
  let column = thread % ${across}u;
  let down = thread / ${across}u;
${each((i) => `  let row${i} = (down + ${i * (tileRows / threadRows)}u);\n  let scale${i} = scaleOf(largestOf(row${i}));\n  var sum${i} = 0.0;`)}
  for (var b = column; b < given.valueDim; b += ${across}u) {
${each((i) => `    var product${i} = 0.0;`)}
    for (var a = 0u; a < given.valueDim; a++) {
      let g = gram[(head * given.valueDim + a) * given.valueDim + b];
${each((i) => `      product${i} = fma(o[row${i} * ${pitch}u + a] * scale${i}, g, product${i});`)}
    }
${each((i) => `    sum${i} = fma(product${i}, o[row${i} * ${pitch}u + b] * scale${i}, sum${i});`)}
  }
${each((i) => `  sums[row${i} * ${across}u + column] = sum${i};`)}
  workgroupBarrier();

  // pass 3: the sums of the threads, in their order
  if (thread < ${tileRows}u && firstRow + thread < given.rows) {
    var square = 0.0;
    for (var t = 0u; t < ${across}u; t++) { square += sums[thread * ${across}u + t]; }
    var norm = sqrt(abs(square)) / scaleOf(largestOf(thread));
    if (magnitude(square) > infinity) {
      norm = bitcast<f32>(given.nan);
    } else if (bitcast<u32>(square) >> 31u == 1u) {
      norm = 0.0; // Rounding may leave a square a little below 0.
    }
    norms[(firstRow + thread) * given.heads + head] = norm;
  }
}
`;
  return { name: 'contribute', code, bindings: ['uniform', 'read', 'read', 'read', 'write'] };
}
