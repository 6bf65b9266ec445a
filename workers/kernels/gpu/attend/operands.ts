// How the attention shaders read and write operands: vectors of 4 dims, wherever they lie, with zeros past the last dim.
import type { RuleForm, TileForm } from './form.js';
import type { Shader } from '../shader.js';
import { when } from './text.js';

type Access = 'read' | 'write';

/** A storage buffer of a shader. */
export interface Bound {
  readonly name: string;
  readonly type: string;
  readonly access: Access;
}

/** The type of numbers that are read as vectors where `vectors` says so. */
export function floatsType({ vectors }: RuleForm): string {
  return vectors ? 'array<vec4<f32>>' : 'array<f32>';
}

/** The operands that scores are made of. */
export function scoreBindings(form: RuleForm): readonly Bound[] {
  const bind = (name: string, type: string): Bound => ({ name, type, access: 'read' });
  return [
    bind('table', 'array<u32>'),
    bind('query', floatsType(form)),
    bind('key', floatsType(form)),
    ...(form.bias ? [bind('bias', 'array<f32>')] : []),
    ...(form.mask ? [bind('mask', 'array<u32>')] : []),
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

/** `NAMEAt(start, vector)`: 4 numbers of the row of `dims` that starts at an element. */
export function readText(name: string, dims: number, form: RuleForm): string {
  if (form.vectors) {
    return `fn ${name}At(start: u32, vector: u32) -> vec4<f32> { return ${name}[(start >> 2u) + vector]; }`;
  }
  return `fn ${name}At(start: u32, vector: u32) -> vec4<f32> {
  ${fourText(dims, 'start', (index) => `${name}[${index}]`)}
}`;
}

function fourText(dims: number, start: string, read: (index: string) => string): string {
  const rest = dims % 4;
  return `let n = ${start} + vector * 4u;
  ${when(
    rest !== 0,
    `if (vector == ${Math.floor(dims / 4)}u) {
    return vec4<f32>(${[0, 1, 2, 3].map((k) => (k < rest ? read(`n + ${k}u`) : '0.0')).join(', ')});
  }`,
  )}
  return vec4<f32>(${[0, 1, 2, 3].map((k) => read(`n + ${k}u`)).join(', ')});`;
}

/**
 * `NAMEOf(isExtra, start, kvHead, j, vector)`: 4 numbers of key or value j of the entry, or of extra one j, which lies
 * in the table from `at.extraAt` on.
 */
export function readKeyText(
  name: 'key' | 'value',
  extraAt: 'extraKeysAt' | 'extraValuesAt',
  form: TileForm & RuleForm,
): string {
  const dims = name === 'key' ? form.headDim : form.valueDim;
  const extra = `fn extra_${name}(kvHead: u32, j: u32, vector: u32) -> vec4<f32> {
  ${fourText(dims, `at.${extraAt} + (kvHead * u32(at.extraCount) + j) * ${dims}u`, (index) => `bitcast<f32>(table[${index}])`)}
}`;
  return `${readText(name, dims, form)}
${when(form.extra, extra)}
fn ${name}Of(isExtra: bool, start: u32, kvHead: u32, j: u32, vector: u32) -> vec4<f32> {
  ${when(form.extra, `if (isExtra) { return extra_${name}(kvHead, j, vector); }`)}
  return ${name}At(start + j * at.${name}Row, vector);
}`;
}

/** `write_NAME(start, vector, numbers)` of rows of `dims`. */
export function writeText(name: string, dims: number, form: RuleForm): string {
  if (form.vectors) {
    return `fn write_${name}(start: u32, vector: u32, numbers: vec4<f32>) { ${name}[(start >> 2u) + vector] = numbers; }`;
  }
  return `fn write_${name}(start: u32, vector: u32, numbers: vec4<f32>) {
  for (var k = 0u; k < 4u; k++) {
    if (vector * 4u + k < ${dims}u) { ${name}[start + vector * 4u + k] = numbers[k]; }
  }
}`;
}
