// Heads copied on the device, all entries in one dispatch. Their bits are copied, so that every NaN stays what it is.
import type { HeadCopy } from '../../../src/core/protocol/head-work.js';
import { entryWords, operandWords } from '../../../src/core/protocol/tables.js';
import { foldGroups, unfoldGroup, type Groups } from './groups.js';
import type { Shader } from './shader.js';
import { defineUniform } from './uniform.js';

/** Numbers that a thread copies: 4 where dims, strides and offsets are multiples of 4. */
export type GatherWidth = 1 | 4;

const threads = 256;
const rowWords = 2;

/** Where head 0 of each row of all entries is read, and where it goes: [rows, 2]. */
export function gatheredRows(
  { operand, from, to }: HeadCopy,
  [entriesFrom, entriesTo]: readonly [Float64Array, Float64Array],
): Uint32Array {
  const { offset, tokens } = operandWords[operand];
  const rows: number[] = [];
  for (let at = 0; at < entriesFrom.length; at += entryWords.count) {
    for (let row = 0; row < entriesFrom[at + tokens]!; row++) {
      rows.push(entriesFrom[at + offset]! + row * from.rowStride);
      rows.push(entriesTo[at + offset]! + row * to.rowStride);
    }
  }
  return Uint32Array.from(rows);
}

export function gatherWidth({ dims, from, to }: HeadCopy, rows: Uint32Array): GatherWidth {
  const isWhole = (number: number): boolean => number % 4 === 0;
  return [dims, from.headStride, to.headStride].every(isWhole) && rows.every(isWhole) ? 4 : 1;
}

export function gatherGroups(width: GatherWidth, { heads, dims }: HeadCopy, rows: Uint32Array): Groups {
  return foldGroups(Math.ceil(((rows.length / rowWords) * heads * dims) / width / threads));
}

export function gatherUniform(width: GatherWidth, copy: HeadCopy, rows: Uint32Array): ArrayBuffer {
  return uniform.fill({
    rows: rows.length / rowWords,
    heads: copy.heads,
    vectors: copy.dims / width,
    fromHeadStride: copy.from.headStride,
    toHeadStride: copy.to.headStride,
  });
}

const uniform = defineUniform({
  rows: 'u32',
  heads: 'u32',
  vectors: 'u32',
  fromHeadStride: 'u32',
  toHeadStride: 'u32',
});

/** Bindings: uniform, rows, what is copied, where it goes. */
export function gatherShader(width: GatherWidth): Shader {
  const numbers = width === 4 ? 'vec4<u32>' : 'u32';
  const code = `${uniform.declaration}
@group(0) @binding(1) var<storage, read> rows: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> source: array<${numbers}>;
@group(0) @binding(3) var<storage, read_write> goal: array<${numbers}>;
${unfoldGroup}

@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let n = unfold(group, groups) * ${threads}u + thread;
  let head = n / given.vectors;
  let row = head / given.heads;
  if (row < given.rows) {
    let at = rows[row] + (head % given.heads) * vec2<u32>(given.fromHeadStride, given.toHeadStride);
    goal[at.y / ${width}u + n % given.vectors] = source[at.x / ${width}u + n % given.vectors];
  }
}
`;
  return { name: 'gather', code, bindings: ['uniform', 'read', 'read', 'write'] };
}
