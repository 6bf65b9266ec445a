// How the attention shaders read and write operands: vectors of 4 dims, wherever they lie, with zeros past the last dim.
import type { ShaderForm } from './form.js';
import type { Shader } from '../shader.js';
import { component, listed, when } from './text.js';

type Access = 'read' | 'write';

/** A storage buffer of a shader. */
export interface Bound {
  readonly name: string;
  readonly type: string;
  readonly access: Access;
}

/** The type of numbers that are read as vectors where `vectors` says so. */
export function floatsType({ vectors }: ShaderForm): string {
  return vectors ? 'array<vec4<f32>>' : 'array<f32>';
}

/** The operands that scores are made of. */
export function scoreBindings(form: ShaderForm): readonly Bound[] {
  const bind = (name: string, type: string): Bound => ({ name, type, access: 'read' });
  return [
    bind('table', 'array<u32>'),
    bind('query', floatsType(form)),
    bind('key', floatsType(form)),
    ...(form.isRich ? [bind('bias', 'array<f32>'), bind('mask', 'array<u32>')] : []),
  ];
}

/** Their declarations, behind the uniform block. */
export function bindingsText(bound: readonly Bound[]): string {
  return bound
    .map(({ name, type, access }, n) => {
      const mode = access === 'read' ? 'read' : 'read_write';
      return `@group(0) @binding(${n + 1}) var<storage, ${mode}> ${name}: ${type};`;
    })
    .join('\n');
}

export function bindingsOf(bound: readonly Bound[]): Shader['bindings'] {
  return ['uniform', ...bound.map(({ access }) => access)];
}

/** Widths as the uniform block has them. */
type Dims = 'headDim' | 'valueDim';

/** `NAMEAt(start, vector)`: 4 numbers of the row of `dims` that starts at an element. */
export function readText(name: string, dims: Dims, form: ShaderForm): string {
  if (form.vectors) {
    return `fn ${name}At(start: u32, vector: u32) -> vec4<f32> { return ${name}[(start >> 2u) + vector]; }`;
  }
  return `fn ${name}At(start: u32, vector: u32) -> vec4<f32> {
  ${fourText(dims, 'start', (index) => `${name}[${index}]`)}
}`;
}

/** Past the last number of the row it is read once more, and counts as 0. */
function fourText(dims: Dims, start: string, read: (index: string) => string): string {
  return `let d = vec4<u32>(0u, 1u, 2u, 3u) + vector * 4u;
  let n = ${start} + min(d, vec4<u32>(at.${dims} - 1u));
  let numbers = vec4<f32>(${listed(4, (k) => read(`n.${component(k)}`))});
  return select(vec4<f32>(0.0), numbers, d < vec4<u32>(at.${dims}));`;
}

/**
 * `NAMEOf(isExtra, start, kvHead, j, vector)`: 4 numbers of key or value j of the entry, or of extra one j, which lies
 * in the table.
 */
export function readKeyText(name: 'key' | 'value', form: ShaderForm): string {
  const [dims, extraAt] =
    name === 'key' ? (['headDim', 'extraKeysAt'] as const) : (['valueDim', 'extraValuesAt'] as const);
  const extra = `fn extra_${name}(kvHead: u32, j: u32, vector: u32) -> vec4<f32> {
  ${fourText(dims, `at.${extraAt} + (kvHead * u32(at.extraCount) + j) * at.${dims}`, (index) => `bitcast<f32>(table[${index}])`)}
}`;
  return `${readText(name, dims, form)}
${when(form.isRich, extra)}
fn ${name}Of(isExtra: bool, start: u32, kvHead: u32, j: u32, vector: u32) -> vec4<f32> {
  ${when(form.isRich, `if (isExtra) { return extra_${name}(kvHead, j, vector); }`)}
  return ${name}At(start + j * at.${name}Row, vector);
}`;
}

/** `write_NAME(start, vector, numbers)` of rows of `dims`. */
export function writeText(name: string, dims: Dims, form: ShaderForm): string {
  if (form.vectors) {
    return `fn write_${name}(start: u32, vector: u32, numbers: vec4<f32>) { ${name}[(start >> 2u) + vector] = numbers; }`;
  }
  return `fn write_${name}(start: u32, vector: u32, numbers: vec4<f32>) {
  for (var k = 0u; k < min(4u, at.${dims} - vector * 4u); k++) { ${name}[start + vector * 4u + k] = numbers[k]; }
}`;
}
