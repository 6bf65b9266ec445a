// What a device can do at best, to be measured: nothing but multiply-adds, and nothing but reading memory.
import { unfoldGroup } from './groups.js';
import type { Shader } from './shader.js';
import { defineUniform } from './uniform.js';

/** Threads of a workgroup of both shaders. */
export const measureThreads = 256;

// Chains of vec4 that don't wait for each other: 32 multiply-adds a thread under way at any time.
const chains = 8;
const unrolled = 16;

/** Floating-point operations of a thread in one round. */
export const flopPerRound = chains * unrolled * 4 * 2;

const peakUniform = defineUniform({ rounds: 'u32', start: 'f32', factor: 'f32', term: 'f32' });

export function multiplyAddUniform(rounds: number): ArrayBuffer {
  return peakUniform.fill({ rounds, start: 0.1, factor: 0.999, term: 0.001 });
}

/**
 * Multiply-adds on registers. Bindings: uniform, a float for each thread, which keeps compilers from leaving them out:
 * x = 0.999 · x + 0.001 goes to 1 from wherever it starts.
 */
export function multiplyAddShader(): Shader {
  const numbers = Array.from({ length: chains }, (_, n) => `x${n}`);
  const step = numbers.map((x) => `      ${x} = fma(${x}, factor, term);`).join('\n');
  const code = `${peakUniform.declaration}
@group(0) @binding(1) var<storage, read_write> ends: array<f32>;
${unfoldGroup}

@compute @workgroup_size(${measureThreads})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let n = unfold(group, groups) * ${measureThreads}u + thread;
  let factor = vec4<f32>(given.factor);
  let term = vec4<f32>(given.term);
${numbers.map((x, i) => `  var ${x} = vec4<f32>(0.0, 0.25, 0.5, 0.75) + given.start * f32(${i}u + thread);`).join('\n')}
  for (var round = 0u; round < given.rounds; round++) {
${Array.from({ length: unrolled }, () => step).join('\n')}
  }
  let end = ${numbers.join(' + ')};
  if (n < arrayLength(&ends)) { ends[n] = (end.x + end.y + end.z + end.w) / ${4 * chains}.0; }
}
`;
  return { name: 'multiply-add', code, bindings: ['uniform', 'write'] };
}

const readUniformBlock = defineUniform({ vectors: 'u32' });

/** @param floats how many to read, a multiple of 4 */
export function readUniform(floats: number): ArrayBuffer {
  return readUniformBlock.fill({ vectors: floats / 4 });
}

/**
 * Reads a buffer once, as fast as memory gives it, with any number of workgroups. Bindings: uniform, what is read, the
 * sum of each workgroup.
 */
export function readShader(): Shader {
  const code = `${readUniformBlock.declaration}
@group(0) @binding(1) var<storage, read> numbers: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

var<workgroup> threadSums: array<f32, ${measureThreads}>;
${unfoldGroup}

@compute @workgroup_size(${measureThreads})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let number = unfold(group, groups);
  let stride = groups.x * groups.y * ${measureThreads}u;
  var sum = vec4<f32>();
  for (var n = number * ${measureThreads}u + thread; n < given.vectors; n += stride) { sum += numbers[n]; }
  threadSums[thread] = sum.x + sum.y + sum.z + sum.w;
  workgroupBarrier();
  if (thread == 0u) {
    var total = 0.0;
    for (var t = 0u; t < ${measureThreads}u; t++) { total += threadSums[t]; }
    sums[number] = total;
  }
}
`;
  return { name: 'read', code, bindings: ['uniform', 'read', 'write'] };
}
