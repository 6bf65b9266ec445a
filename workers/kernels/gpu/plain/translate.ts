// Kernels of gpu.js as shaders: gpu.js translates the JavaScript of a kernel, and what stands around it is ours. Every
// operand has a place (offset and strides), so a kernel's `keys[head][j][d]` needs no arithmetic of indices: gpu.js would
// do it in float32, which counts to 2^24 only.
import type { Strided } from '../../../../src/core/protocol/strided.js';
import type { Bound, Dispatch } from '../dispatch.js';
import type { Shader } from '../shader.js';
import { loadGpuJs, type CalledFunction } from './gpu-js.js';

/** What WGSL makes of one element of an operand: its text reads `words[at]`. */
const arrays = {
  floats: { element: 'f32', read: 'words[at]' },
  /** Bytes as numbers. */
  bytes: { element: 'u32', read: 'f32((words[at >> 2u] >> (8u * (at & 3u))) & 255u)' },
  /** 1 where a float is -Infinity, else 0. By its bits: WGSL may take it for granted that there are no infinities. */
  minusInfinities: { element: 'u32', read: 'f32(words[at] == 0xff800000u)' },
} as const;

const scalars = {
  integer: { type: 'Integer', element: 'i32' },
  number: { type: 'Number', element: 'f32' },
} as const;

type ArrayKind = keyof typeof arrays;
type Kind = ArrayKind | keyof typeof scalars;

/** An operand on the device; an element [z][y][x] is that of head z, row y and column x. */
export type Placed = Pick<Strided<Bound>, 'data' | 'offset' | 'headStride' | 'rowStride' | 'columnStride'>;

/** What a kernel is called with. */
export type Given<Kinds> = {
  readonly [Name in keyof Kinds]: Kinds[Name] extends ArrayKind ? Placed : number;
};

/** Elements along x, y and z; a thread computes one. */
export type Size = readonly [number, number, number];

export interface PlainKernel<Kinds> {
  readonly shader: Shader;
  /** The elements of `to` from what is given. */
  dispatch(size: Size, to: Placed, given: Given<Kinds>): Dispatch;
}

/** Functions have types of their own; here only their text matters. */
type AnyFunction = (...given: never[]) => number;

const workgroup = 8;

/** gpu.js ends loops after 1,000 steps without a word where it can't see their bounds. */
const mostSteps = 2 ** 31 - 1;

/**
 * @param kinds of the kernel's arguments, by their names in their order
 * @param functions that the kernel calls
 */
export function translate<const Kinds extends Readonly<Record<string, Kind>>>(
  kernel: AnyFunction,
  kinds: Kinds,
  functions: readonly AnyFunction[] = [],
): PlainKernel<Kinds> {
  const names = Object.keys(kinds);
  const operands = names.flatMap((name) => (isArray(kinds[name]!) ? [{ name, ...arrays[kinds[name]] }] : []));
  const numbers = names.flatMap((name) =>
    isArray(kinds[name]!) ? [] : [{ name, ...scalars[kinds[name]!] }],
  );
  const shader: Shader = {
    name: `plain ${kernel.name}`,
    code: assemble(operands, numbers, translateBody(kernel, kinds, functions)),
    bindings: ['uniform', ...operands.map(() => 'read' as const), 'write'],
    isTranslated: true,
  };
  return {
    shader,
    dispatch(size, to, given) {
      const places = operands.map(({ name }) => given[name] as Placed);
      return {
        shader,
        uniform: fillUniform(size, [to, ...places], numbers, given),
        bound: [...places, to].map(({ data }) => data),
        groups: [Math.ceil(size[0] / workgroup), Math.ceil(size[1] / workgroup), size[2]],
      };
    },
  };
}

function isArray(kind: Kind): kind is ArrayKind {
  return kind in arrays;
}

interface Translated {
  readonly functions: string;
  readonly body: string;
}

function translateBody(
  kernel: AnyFunction,
  kinds: Readonly<Record<string, Kind>>,
  functions: readonly AnyFunction[],
): Translated {
  const { WebGPUKernel } = loadGpuJs();
  const all = Object.values(kinds);
  const translating = new WebGPUKernel(kernel.toString(), {
    argumentTypes: all.map((kind) => (isArray(kind) ? 'Array' : scalars[kind].type)),
    functions: functions.map((called) => ({
      name: called.name,
      source: called.toString(),
      ...ofNumbers(called),
    })),
    output: [1, 1, 1],
  });
  const expected = Object.keys(kinds).join(', ');
  if (translating.argumentNames.join(', ') !== expected)
    throw new TypeError(`${kernel.name} takes ${translating.argumentNames.join(', ')}, not ${expected}`);
  translating.setupConstants();
  translating.setupArguments(all.map((kind) => (isArray(kind) ? [0] : 0)));
  translating.translateSource();
  return { functions: translating.translatedFunctions, body: translating.translatedBody };
}

/** Functions that kernels call make numbers of numbers. */
function ofNumbers({ length }: AnyFunction): Pick<CalledFunction, 'argumentTypes' | 'returnType'> {
  return { argumentTypes: new Array<'Number'>(length).fill('Number'), returnType: 'Number' };
}

interface Named {
  readonly name: string;
  readonly element: string;
}

/**
 * The names of the parts are those that gpu.js writes into what it translates: `params`, `user_NAME`, `get_user_NAME`,
 * `threadGid`, `data_index`, `result`, `LOOP_MAX`.
 */
function assemble(
  operands: readonly (Named & { readonly read: string })[],
  numbers: readonly Named[],
  { functions, body }: Translated,
): string {
  return `struct Params {
  size : vec4<u32>,
  result_place : vec4<u32>,
${operands.map(({ name }) => `  ${name}_place : vec4<u32>,\n`).join('')}${numbers
    .map(({ name, element }) => `  user_${name} : ${element},\n`)
    .join('')}}
@group(0) @binding(0) var<uniform> params : Params;
${operands
  .map(({ name, element }, n) => {
    return `@group(0) @binding(${1 + n}) var<storage, read> words_${name} : array<${element}>;\n`;
  })
  .join('')}@group(0) @binding(${1 + operands.length}) var<storage, read_write> result : array<f32>;
const LOOP_MAX : i32 = ${mostSteps};
var<private> threadGid : vec3<u32>;
fn element(place : vec4<u32>, z : u32, y : u32, x : u32) -> u32 {
  return place.w + z * place.z + y * place.y + x * place.x;
}
${operands
  .map(({ name, read }) => {
    return `fn get_user_${name}(z : i32, y : i32, x : i32) -> f32 {
  let at = element(params.${name}_place, u32(z), u32(y), u32(x));
  return ${read.replaceAll('words', `words_${name}`)};
}\n`;
  })
  .join('')}${functions}
@compute @workgroup_size(${workgroup}, ${workgroup}, 1)
fn main(@builtin(global_invocation_id) id : vec3<u32>) {
  threadGid = id;
  if (any(id >= params.size.xyz)) { return; }
  let data_index = element(params.result_place, id.z, id.y, id.x);
${body}}
`;
}

/** What the block of a shader holds, in the order of `Params`. */
function fillUniform(
  [x, y, z]: Size,
  places: readonly Placed[],
  numbers: readonly { readonly name: string; readonly element: 'i32' | 'f32' }[],
  given: Readonly<Record<string, Placed | number>>,
): ArrayBuffer {
  const words = [x, y, z, 0];
  for (const { offset, headStride, rowStride, columnStride } of places)
    words.push(columnStride, rowStride, headStride, offset);
  const block = new DataView(new ArrayBuffer(16 * Math.ceil((words.length + numbers.length) / 4)));
  words.forEach((word, n) => {
    block.setUint32(4 * n, word, true);
  });
  numbers.forEach(({ name, element }, n) => {
    const [at, value] = [4 * (words.length + n), given[name] as number];
    if (element === 'i32') block.setInt32(at, value, true);
    else block.setFloat32(at, value, true);
  });
  return block.buffer;
}
