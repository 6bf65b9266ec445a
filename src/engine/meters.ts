// Measurements of the machine through the workers and the kernel that an engine has: single operations, timed.
import { createRandom } from '../core/tensor/random.js';
import type { Arena } from '../core/tensor/arena.js';
import { RegionViews, type Region } from '../core/tensor/region.js';
import type { KernelTraits } from '../core/protocol/kernels.js';
import { packedLength, type Panels } from '../core/protocol/layout.js';
import { planPhase, type PlannedPhase } from './assemble/assembly.js';
import { planPacking, planPeak, planProducts, planRead } from './plan/plan-layer.js';
import { wallMs } from './job.js';
import type { Resident, Scheduler } from './scheduler.js';
import { WorkingSet } from './assemble/working-set.js';

/** What a meter runs on. */
export interface Instruments {
  readonly scheduler: Scheduler;
  readonly arena: Arena;
  readonly traits: KernelTraits;
}

/** One operation that can be timed again and again. Dispose it to give its memory back. */
export interface Meter extends Disposable {
  /** Milliseconds of one run on all workers. */
  measure(): Promise<number>;
}

/** rows [rows, depth] · weightᵀ [depth, columns]. */
export interface ProductSize {
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
}

// As the projection W^O is cut.
const segmentColumns = 64;

/** Nothing but multiply-adds, on each of `workers` workers: FLOP a second of all of them together. */
export async function measurePeak(
  { scheduler, traits }: Instruments,
  workers: number,
  rounds: number,
): Promise<number> {
  const plan = planPeak(workers, rounds);
  const outcome = await scheduler.run([planPhase('peak', { kind: 'peak' }, plan)]);
  return (plan.unitCount * rounds * traits.flopPerRound * 1e3) / wallMs(outcome);
}

/** All workers together read `byteLength` bytes of memory once. @throws MEMORY_LIMIT */
export function openReadMeter(instruments: Instruments, byteLength: number): Meter {
  const length = Math.ceil(byteLength / 4);
  const memory = new WorkingSet(instruments.arena);
  const region = allocateRandom(memory, instruments.arena, length);
  return meterOf(instruments, planPhase('read', { kind: 'read', region }, planRead(length)), memory);
}

/** One product of rows with packed weights. @throws MEMORY_LIMIT */
export async function openProductMeter(instruments: Instruments, size: ProductSize): Promise<Meter> {
  const { scheduler, arena, traits } = instruments;
  const { rows, depth, columns } = size;
  const segments = Math.ceil(columns / segmentColumns);
  const memory = new WorkingSet(arena);
  const weight = allocateRandom(memory, arena, columns * depth);
  const panels: Panels = {
    region: memory.allocate(segments * packedLength(segmentColumns, depth, traits.panelColumns)),
    columns,
    segmentColumns,
  };
  const linear = { weight, bias: null, depth, target: panels };
  const resident = await scheduler.runResident([
    planPhase('pack', { kind: 'pack', linears: [linear] }, planPacking([segments])),
  ]);
  const product = {
    rows: allocateRandom(memory, arena, rows * depth),
    depth,
    outputs: [
      {
        panels,
        region: memory.allocate(rows * columns),
        segmentStride: segmentColumns,
        rowStride: columns,
      },
    ],
  };
  const plan = planProducts([{ rows, depth, columns, segments }], traits.unitRows);
  return meterOf(
    instruments,
    planPhase('project', { kind: 'project', products: [product] }, plan),
    memory,
    resident,
  );
}

/** Numbers that differ, and memory that is really there: pages never written all read the same zeros. */
function allocateRandom(memory: WorkingSet, arena: Arena, length: number): Region {
  const region = memory.allocate(length);
  // A device takes as long for what it finds there.
  if (arena.isOnDevice) return region;
  const floats = new RegionViews(arena.memory).floats(region);
  const random = createRandom(1);
  const sample = Float32Array.from({ length: Math.min(length, 1021) }, () => random.normal());
  for (let start = 0; start < length; start += sample.length) {
    floats.set(sample.subarray(0, length - start), start);
  }
  return region;
}

function meterOf(
  { scheduler }: Instruments,
  phase: PlannedPhase,
  memory: WorkingSet,
  resident?: Resident,
): Meter {
  return {
    measure: async () => wallMs(await scheduler.run([phase])),
    [Symbol.dispose]: () => {
      resident?.release();
      memory.release();
    },
  };
}
