// A kernel on the test's own thread, with memory to put operands into: no engine, no workers, no units.
import { createArena } from '../../src/core/tensor/arena.js';
import { RegionViews } from '../../src/core/tensor/region.js';
import type {
  AttentionBlock,
  BlockRules,
  Floats,
  Kernel,
  StoredNumbers,
} from '../../workers/kernels/kernel.js';
import { createKernel, probeCpuKernels } from '../../workers/kernels/registry.js';
import type { CpuKernelName } from '../../src/core/protocol/kernels.js';
import type { Slice } from '../../src/core/protocol/strided.js';
import { strided } from './strided.js';

export interface KernelBench {
  readonly kernel: Kernel;
  /** Numbers in the kernel's working memory, at an odd offset between sevens. */
  readonly place: (numbers: ArrayLike<number>) => Floats;
  /** Numbers in shared memory that the arena knows nothing of, at an odd offset between sevens. */
  readonly placeOutside: (numbers: ArrayLike<number>) => Floats;
}

export const margin = 3;

export function createBench(name: CpuKernelName): KernelBench {
  const probe = probeCpuKernels().find((answer) => answer.name === name)!;
  if (!probe.available) throw new Error(probe.reason);
  const arena = createArena(probe.traits.arena, 2 ** 30);
  const views = new RegionViews(arena.memory);
  const fill = (data: Float32Array, numbers: ArrayLike<number>): Floats => {
    data.fill(7);
    data.set(numbers, margin);
    return { data, offset: margin };
  };
  return {
    kernel: createKernel(name, views, probe.traits.instructionSet),
    place: (numbers) => fill(views.floats(arena.allocate(numbers.length + 2 * margin)), numbers),
    placeOutside: (numbers) =>
      fill(new Float32Array(new SharedArrayBuffer(4 * (numbers.length + 2 * margin))), numbers),
  };
}

/** The first `length` numbers of a slice, as they are now. */
export function read({ data, offset }: Floats, length: number): Float32Array {
  return data.slice(offset, offset + length);
}

/** Whether everything around the first `length` numbers still is 7. */
export function isSurroundingIntact({ data, offset }: Floats, length: number): boolean {
  return [...data.subarray(0, offset), ...data.subarray(offset + length)].every((value) => value === 7);
}

/** What a test says of a block; operands without strides are dense. */
interface Given {
  readonly keys: number;
  readonly headDim: number;
  readonly valueDim: number;
  readonly query: Floats;
  readonly key: Slice<StoredNumbers>;
  readonly value: Slice<StoredNumbers>;
  readonly output: Floats;
  readonly rules?: Partial<BlockRules>;
}

/** A block of one head and one query on `keys` keys; the fields and rules given replace those. */
export function blockOf(given: Given & Partial<Omit<AttentionBlock, keyof Given>>): AttentionBlock {
  const { headDim, valueDim, queries = 1 } = given;
  return {
    queries,
    group: 1,
    storage: 'f32',
    pages: null,
    extra: null,
    position: 0,
    weights: null,
    scores: null,
    statistics: null,
    logSumExp: null,
    isDecoding: false,
    partial: null,
    ...given,
    query: strided(given.query, { headStride: queries * headDim, rowStride: headDim }),
    key: strided(given.key, { rowStride: headDim }),
    value: strided(given.value, { rowStride: valueDim }),
    output: strided(given.output, { headStride: queries * valueDim, rowStride: valueDim }),
    rules: {
      scale: 1 / Math.sqrt(headDim),
      softcap: 0,
      alibiSlopes: null,
      bias: null,
      mask: null,
      left: Infinity,
      right: Infinity,
      sinks: null,
      headScale: null,
      ...given.rules,
    },
  };
}
