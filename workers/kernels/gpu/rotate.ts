// Heads normalised (RMSNorm) and turned by their position (rotary embedding) in place on the device, all rows of a side
// in one dispatch. Sixteen threads share a head of a row.
import type { RotateWork } from '../../../src/core/protocol/head-work.js';
import { foldGroups, unfoldGroup, type Groups } from './groups.js';
import { nanBits, scaleFunctions } from './scale.js';
import type { Shader } from './shader.js';
import { noTurn, type RotatedRows } from './turn-table.js';
import { defineUniform } from './uniform.js';

export interface RotateForm {
  readonly isNormalised: boolean;
  /** Pairs (i, i + half) or (2i, 2i + 1); null where nothing turns. */
  readonly turn: 'halves' | 'pairs' | null;
}

const lanes = 16;
const threads = 64;

export function rotateForm(work: RotateWork, side: 'query' | 'key'): RotateForm {
  const turn = work.rotary?.interleaved === true ? 'pairs' : 'halves';
  return { isNormalised: work[side].norm !== null, turn: work.rotary && turn };
}

export function rotateGroups(work: RotateWork, side: 'query' | 'key', { rows }: RotatedRows): Groups {
  return foldGroups(Math.ceil(((rows.length / 2) * work[side].heads * lanes) / threads));
}

export function rotateUniform(work: RotateWork, side: 'query' | 'key', { rows }: RotatedRows): ArrayBuffer {
  const { headDim, epsilon, rotary } = work;
  const { heads, layout } = work[side];
  return uniform.fill({
    items: (rows.length / 2) * heads,
    heads,
    headStride: layout.headStride,
    headDim,
    pairs: rotary === null ? 0 : rotary.dims / 2,
    widthRoot: Math.sqrt(headDim),
    epsilonSum: headDim * epsilon,
    epsilonRoot: Math.sqrt(headDim * epsilon),
    nan: nanBits,
  });
}

const uniform = defineUniform({
  items: 'u32',
  heads: 'u32',
  headStride: 'u32',
  headDim: 'u32',
  pairs: 'u32',
  widthRoot: 'f32',
  epsilonSum: 'f32',
  epsilonRoot: 'f32',
  nan: 'u32',
});

/** Bindings: uniform, rows, the weight of the norm and the angles where there are any, the heads. */
export function rotateShader({ isNormalised, turn }: RotateForm): Shader {
  const tables = [
    'rows: array<vec2<u32>>',
    ...(isNormalised ? ['weight: array<f32>'] : []),
    ...(turn === null ? [] : ['angles: array<vec2<f32>>']),
  ];
  const code = `${uniform.declaration}
${tables.map((table, n) => `@group(0) @binding(${n + 1}) var<storage, read> ${table};`).join('\n')}
@group(0) @binding(${tables.length + 1}) var<storage, read_write> data: array<f32>;
${isNormalised ? scaleFunctions + sharedSums : ''}
${unfoldGroup}

// What the numbers of a head are multiplied by, besides the weight: one after the other, so that neither overflows.
struct Factor {
  first: f32,
  second: f32,
}

fn normalised(start: u32, d: u32, factor: Factor) -> f32 {
  return data[start + d]${isNormalised ? ' * factor.first * factor.second * weight[d]' : ''};
}

@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let lane = thread % ${lanes}u;
  let item = unfold(group, groups) * ${threads / lanes}u + thread / ${lanes}u;
  var row = vec2<u32>();
  var length = 0u;
  if (item < given.items) {
    row = rows[item / given.heads];
    length = given.headDim;
  }
  let start = row.x + (item % given.heads) * given.headStride;
  var factor = Factor(1.0, 1.0);
  ${isNormalised ? computeFactor : ''}
  var turned = 0u;
  ${turn === null ? '' : turnPairs(turn)}
  ${isNormalised ? normaliseRest : ''}
}
`;
  const read = tables.map(() => 'read' as const);
  return { name: 'rotate', code, bindings: ['uniform', ...read, 'write'] };
}

const sharedSums = `
var<workgroup> magnitudes: array<u32, ${threads}>;
var<workgroup> squares: array<f32, ${threads}>;`;

// With s the power of two of the largest number, √(D / (Σ(s·x)² + s²·D·ε)) · (s·x) is the norm, without overflow.
const computeFactor = `
  var largest = 0u;
  for (var d = lane; d < length; d += ${lanes}u) { largest = max(largest, magnitude(data[start + d])); }
  magnitudes[thread] = largest;
  workgroupBarrier();
  for (var l = 0u; l < ${lanes}u; l++) { largest = max(largest, magnitudes[thread - lane + l]); }
  let scale = scaleOf(max(largest, magnitude(given.epsilonRoot)));
  var sum = 0.0;
  for (var d = lane; d < length; d += ${lanes}u) {
    let x = data[start + d] * scale;
    sum = fma(x, x, sum);
  }
  squares[thread] = sum;
  workgroupBarrier();
  sum = given.epsilonSum * scale * scale;
  for (var l = 0u; l < ${lanes}u; l++) { sum += squares[thread - lane + l]; }
  // inverseSqrt may be off by 2 ulp; a step of Newton's method leaves half of one.
  let rough = inverseSqrt(sum);
  let fine = fma(0.5 * rough, fma(-(sum * rough), rough, 1.0), rough);
  factor = Factor(scale, fine * given.widthRoot);
  if (largest >= infinity || max(largest, magnitude(given.epsilonRoot)) == 0u) {
    factor.first = bitcast<f32>(given.nan);
  }`;

const pairOf = {
  halves: 'vec2<u32>(pair, pair + given.pairs)',
  pairs: 'vec2<u32>(2u * pair, 2u * pair + 1u)',
} as const;

const turnPairs = (turn: 'halves' | 'pairs'): string => `
  if (row.y != ${noTurn}u && length > 0u) {
    turned = 2u * given.pairs;
    for (var pair = lane; pair < given.pairs; pair += ${lanes}u) {
      let d = ${pairOf[turn]};
      let a = normalised(start, d.x, factor);
      let b = normalised(start, d.y, factor);
      let angle = angles[row.y * given.pairs + pair];
      data[start + d.x] = fma(a, angle.x, -(b * angle.y));
      data[start + d.y] = fma(b, angle.x, a * angle.y);
    }
  }`;

const normaliseRest = `
  for (var d = turned + lane; d < length; d += ${lanes}u) {
    data[start + d] = normalised(start, d, factor);
  }`;
