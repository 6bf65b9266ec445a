// The oracle's inputs as dispatches of the GPU's attention, run on a bench of shaders.
import { entryWords } from '../../src/core/protocol/tables.js';
import { attendBindings, attendShader } from '../../workers/kernels/gpu/attend/attend.js';
import { formFor, needsOf, type AttendForm } from '../../workers/kernels/gpu/attend/form.js';
import type { AttentionGiven, Place } from '../../workers/kernels/gpu/attend/given.js';
import { groupsOf, planAttend, type KeyRange } from '../../workers/kernels/gpu/attend/plan.js';
import type { OracleInputs } from '../oracle/oracle.js';
import type { BenchBuffer, ShaderBench } from './shader-bench.js';

export interface GpuAttentionOptions {
  /** Bytes of workgroup memory that the form may use, default 32 KiB. */
  readonly workgroupBytes?: number;
  /** Rows of all heads side by side, as projections leave them, instead of head after head. */
  readonly isTokenMajor?: boolean;
  /** Where ranges of keys end but the last one. */
  readonly cuts?: readonly number[];
  /** Has all rules in the text, used or not; by default where one is used. */
  readonly isRich?: boolean;
  readonly deadHeads?: readonly number[];
  /** The mask is a number a key, the bias a number a query; neither lies densely. */
  readonly isBroadcast?: boolean;
}

export interface GpuAttentionResult {
  readonly output: Float32Array; // [batch, heads, queries, valueDim]
  readonly maxima: Float32Array; // [batch, heads, queries]
  readonly sums: Float32Array;
}

/** The buffers of an attention by name, and what its dispatches are told. */
export interface GpuAttentionCase {
  readonly form: AttendForm;
  readonly given: AttentionGiven;
  readonly buffers: Readonly<Record<string, BenchBuffer>>;
}

type PairNumber = (b: number, h: number, i: number, j: number) => number;

export function gpuAttentionCase(inputs: OracleInputs, options: GpuAttentionOptions = {}): GpuAttentionCase {
  const { dims, mask, bias, extra, causalOffset, offset, keyLengths, window } = inputs;
  const { batch, heads, kvHeads, queries, keys, headDim, valueDim } = dims;
  const { workgroupBytes = 32 * 1024, isTokenMajor = false, deadHeads = [], isBroadcast = false } = options;
  const right = Math.min(window?.right ?? Infinity, causalOffset === undefined ? Infinity : 0);
  const left = window?.left ?? Infinity;
  const layout = (count: number, tokens: number, width: number): Place => ({
    offset: 0,
    entryStride: 0,
    headStride: isTokenMajor ? width : tokens * width,
    rowStride: isTokenMajor ? count * width : width,
    columnStride: 1,
  });
  const place = (x: ArrayLike<number>, count: number, tokens: number, width: number): Float32Array =>
    isTokenMajor ? transposeHeads(x, count, tokens, width) : Float32Array.from(x);
  const dense: Place = {
    offset: 0,
    entryStride: heads * queries * keys,
    headStride: queries * keys,
    rowStride: keys,
    columnStride: 1,
  };
  const repeated = { offset: 5, entryStride: 0, headStride: 0, rowStride: 0, columnStride: 0 };
  const maskPlace: Place = isBroadcast ? { ...repeated, columnStride: 2 } : dense;
  const biasPlace: Place = isBroadcast ? { ...repeated, rowStride: 3 } : dense;
  const pairsLength = 4 * Math.ceil((batch * heads * queries * keys + 3 * (queries + keys)) / 4) + 8;
  const fill = <T extends Uint8Array | Float32Array>(to: T, at: Place, valueOf: PairNumber): T => {
    for (let row = 0; row < batch * heads * queries; row++) {
      const [b, h, i] = [Math.floor(row / queries / heads), Math.floor(row / queries) % heads, row % queries];
      const start = at.offset + b * at.entryStride + h * at.headStride + i * at.rowStride;
      for (let j = 0; j < keys; j++) to[start + j * at.columnStride] = valueOf(b, h, i, j);
    }
    return to;
  };
  const entries = new Float64Array(batch * entryWords.count);
  for (let b = 0; b < batch; b++) {
    const words = entries.subarray(b * entryWords.count);
    words[entryWords.queryOffset] = b * heads * queries * headDim;
    words[entryWords.queries] = queries;
    words[entryWords.keyOffset] = b * kvHeads * keys * headDim;
    words[entryWords.valueOffset] = b * kvHeads * keys * valueDim;
    words[entryWords.keys] = keyLengths?.[b] ?? keys;
    words[entryWords.outputOffset] = b * heads * queries * valueDim;
    words[entryWords.diagonal] = (offset ?? causalOffset)?.(b) ?? 0;
  }
  const floats = (numbers: ArrayLike<number> | undefined) => (numbers ? Float32Array.from(numbers) : null);
  const operands = {
    query: layout(heads, queries, headDim),
    key: layout(kvHeads, keys, headDim),
    value: layout(kvHeads, keys, valueDim),
    output: layout(heads, queries, valueDim),
  };
  const given: AttentionGiven = {
    heads,
    kvHeads,
    headDim,
    valueDim,
    entries,
    deadHeads,
    ...operands,
    rules: { scale: inputs.scale ?? 1 / Math.sqrt(headDim), softcap: inputs.softcap ?? 0, left, right },
    bias: bias ? biasPlace : null,
    mask: mask ? maskPlace : null,
    alibiSlopes: floats(inputs.alibiSlopes),
    sinks: floats(inputs.sinks),
    headScale: floats(inputs.headScale),
    extra: extra ? { keys: Float32Array.from(extra.k), values: Float32Array.from(extra.v) } : null,
  };
  const needs = needsOf(given);
  const form: AttendForm = {
    ...formFor({ maxComputeWorkgroupStorageSize: workgroupBytes }, headDim, valueDim),
    ...needs,
    isRich: options.isRich ?? needs.isRich,
    carry: options.cuts !== undefined,
  };
  return {
    form,
    given,
    buffers: {
      query: place(inputs.q, heads, queries, headDim),
      key: place(inputs.k, kvHeads, keys, headDim),
      value: place(inputs.v, kvHeads, keys, valueDim),
      output: batch * heads * queries * valueDim,
      ...(bias && { bias: fill(new Float32Array(pairsLength), biasPlace, bias) }),
      ...(mask && {
        mask: fill(new Uint8Array(pairsLength), maskPlace, (...pair) => (mask(...pair) ? 1 : 0)),
      }),
    },
  };
}

export async function runGpuAttention(
  bench: ShaderBench,
  inputs: OracleInputs,
  options: GpuAttentionOptions = {},
): Promise<GpuAttentionResult> {
  const { form, given, buffers } = gpuAttentionCase(inputs, options);
  const plan = planAttend(form, given);
  const names = attendBindings(form).map(({ name }) => name);
  const named: Readonly<Record<string, BenchBuffer>> = {
    ...buffers,
    table: plan.table.words,
    memory: plan.memoryLength,
  };
  const results = await bench.run(
    attendShader(form),
    rangesOf(options.cuts).map((range) => ({
      uniform: plan.uniform(range),
      groups: groupsOf(plan.table.tiles),
    })),
    names.map((name) => named[name] ?? plan.table.words),
  );
  const { batch, heads, queries, valueDim } = inputs.dims;
  const rows = batch * heads * queries;
  const output = new Float32Array(results[names.indexOf('output')]!.buffer).subarray(0, rows * valueDim);
  const state = new Float32Array(results[names.indexOf('memory')]!.buffer).subarray(0, 2 * rows);
  return {
    output: options.isTokenMajor === true ? headsApart(output, heads, queries, valueDim) : output,
    maxima: state.filter((_, n) => n % 2 === 0),
    sums: state.filter((_, n) => n % 2 === 1),
  };
}

function rangesOf(cuts: readonly number[] | undefined): readonly (KeyRange | undefined)[] {
  if (cuts === undefined) return [undefined];
  return [...cuts, 2 ** 30].map((end, n) => ({ first: cuts[n - 1] ?? 0, end, isLast: n === cuts.length }));
}

/** [entries, heads, tokens, width] as [entries, tokens, heads, width]. */
function transposeHeads(x: ArrayLike<number>, heads: number, tokens: number, width: number): Float32Array {
  const made = new Float32Array(x.length);
  for (let n = 0; n < x.length; n++) {
    const [row, d] = [Math.floor(n / width), n % width];
    const [token, head, entry] = [
      row % tokens,
      Math.floor(row / tokens) % heads,
      Math.floor(row / tokens / heads),
    ];
    made[((entry * tokens + token) * heads + head) * width + d] = x[n]!;
  }
  return made;
}

function headsApart(x: Float32Array, heads: number, tokens: number, width: number): Float32Array {
  return transposeHeads(x, tokens, heads, width);
}

/** Natural logarithms of the sums that rows leave, as the host makes them. */
export function logSumExpOf({ maxima, sums }: GpuAttentionResult): Float64Array {
  return Float64Array.from(maxima, (m, n) => (sums[n] === 0 ? -Infinity : m + Math.log(sums[n]!)));
}
