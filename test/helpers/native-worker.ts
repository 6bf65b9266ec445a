// What `native-threads.test.ts` has its workers do: load the native kernel, compute a little, report and end. It imports
// as little as possible, because 200 workers wait for it.
import { isMainThread, parentPort } from 'node:worker_threads';
import { RegionViews } from '../../src/core/tensor/region.js';
import { nativeKernel } from '../../workers/kernels/native/native-kernel.js';
import { strided } from './strided.js';

const [queries, keys, headDim] = [3, 40, 8];

function wave(length: number, step: number): Float32Array {
  return Float32Array.from({ length }, (_, n) => Math.sin(n * step));
}

/** Attention of a few queries. */
export function computeSome(): number[] {
  const output = new Float32Array(queries * headDim);
  const rows = (data: Float32Array) => strided({ data, offset: 0 }, { rowStride: headDim });
  const answer = nativeKernel.probe();
  if ('reason' in answer) throw new Error(answer.reason);
  nativeKernel.create(new RegionViews(undefined), answer.instructionSet).attend({
    queries,
    group: 1,
    keys,
    headDim,
    valueDim: headDim,
    query: rows(wave(queries * headDim, 1)),
    key: rows(wave(keys * headDim, 2)),
    value: rows(wave(keys * headDim, 3)),
    storage: 'f32',
    pages: null,
    output: rows(output),
    extra: null,
    rules: {
      scale: 1,
      softcap: 0,
      alibiSlopes: null,
      bias: null,
      mask: null,
      left: Infinity,
      right: Infinity,
      sinks: null,
      headScale: null,
    },
    position: 0,
    weights: null,
    scores: null,
    statistics: null,
    logSumExp: null,
    isDecoding: false,
    partial: null,
  });
  return [...output];
}

/** Whether this thread computes with denormal numbers: neither as operands nor as results do they become zero. */
export function denormalsSurvive(): boolean {
  // Read from arrays, so that no compiler knows the results beforehand.
  const [smallest, half] = new Float64Array([5e-324, 0.5]);
  const floats = Float32Array.of(2 ** -149, 2 ** -126);
  return (
    smallest! * 3 === 1.5e-323 &&
    smallest! / half! === 1e-323 &&
    2 ** -1022 * half! === 2 ** -1023 &&
    Math.fround(floats[0]! * 2) === 2 ** -148 &&
    Math.fround(floats[1]! * Math.fround(half!)) === 2 ** -127
  );
}

if (!isMainThread) parentPort!.postMessage({ numbers: computeSome(), denormals: denormalsSurvive() });
