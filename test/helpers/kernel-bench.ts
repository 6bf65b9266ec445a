// A kernel on the test's own thread, with memory to put operands into: no engine, no workers, no units.
import { createArena } from '../../src/core/tensor/arena.js';
import { RegionViews } from '../../src/core/tensor/region.js';
import type { AttentionBlock, Kernel, Slice } from '../../workers/kernels/kernel.js';
import { createKernel, probeKernels } from '../../workers/kernels/registry.js';
import type { KernelName } from '../../src/core/protocol/kernels.js';

export interface KernelBench {
  readonly kernel: Kernel;
  /** Numbers in the kernel's working memory, at an odd offset between sevens. */
  readonly place: (numbers: ArrayLike<number>) => Slice;
  /** Numbers in shared memory that the arena knows nothing of, at an odd offset between sevens. */
  readonly placeOutside: (numbers: ArrayLike<number>) => Slice;
}

export const margin = 3;

export function createBench(name: KernelName): KernelBench {
  const probe = probeKernels().find((answer) => answer.name === name)!;
  if (!probe.available) throw new Error(probe.reason);
  const arena = createArena(probe.traits.arena, 2 ** 30);
  const views = new RegionViews(arena.memory);
  const fill = (data: Float32Array, numbers: ArrayLike<number>): Slice => {
    data.fill(7);
    data.set(numbers, margin);
    return { data, offset: margin };
  };
  return {
    kernel: createKernel(name, views),
    place: (numbers) => fill(views.floats(arena.allocate(numbers.length + 2 * margin)), numbers),
    placeOutside: (numbers) =>
      fill(new Float32Array(new SharedArrayBuffer(4 * (numbers.length + 2 * margin))), numbers),
  };
}

/** The first `length` numbers of a slice, as they are now. */
export function read({ data, offset }: Slice, length: number): Float32Array {
  return data.slice(offset, offset + length);
}

/** Whether everything around the first `length` numbers still is 7. */
export function isSurroundingIntact({ data, offset }: Slice, length: number): boolean {
  return [...data.subarray(0, offset), ...data.subarray(offset + length)].every((value) => value === 7);
}

/** A block of one head and one query on `keys` keys; the fields given replace those. */
export function blockOf(
  operands: Pick<AttentionBlock, 'query' | 'key' | 'value' | 'output' | 'keys' | 'headDim' | 'valueDim'> &
    Partial<AttentionBlock>,
): AttentionBlock {
  const { headDim, valueDim, queries = 1 } = operands;
  return {
    queryStride: headDim,
    queryHeadStride: queries * headDim,
    keyStride: headDim,
    valueStride: valueDim,
    storage: 'f32',
    pages: null,
    outputStride: valueDim,
    outputHeadStride: queries * valueDim,
    queries,
    group: 1,
    scale: 1 / Math.sqrt(headDim),
    softcap: 0,
    extra: null,
    position: 0,
    firstOffset: -Infinity,
    lastOffset: Infinity,
    mask: null,
    bias: null,
    alibiSlopes: null,
    sinks: null,
    headScale: null,
    weights: null,
    scores: null,
    statistics: null,
    logSumExp: null,
    isDecoding: false,
    partial: null,
    ...operands,
  };
}
