// The memory of a meter: regions of numbers that differ, where the engine's kernel has its working memory.
import { createRandom } from '../core/tensor/random.js';
import { RegionViews, type Region } from '../core/tensor/region.js';
import type { KernelTraits } from '../core/protocol/kernels.js';
import { packedLength, type Panels } from '../core/protocol/layout.js';
import { planPhase } from './assemble/assembly.js';
import { WorkingSet } from './assemble/working-set.js';
import type { Arena } from '../core/tensor/arena.js';
import { planPacking } from './plan/plan-layer.js';
import type { Resident, Scheduler } from './scheduler.js';

/** What a meter runs on. */
export interface Instruments {
  readonly scheduler: Scheduler;
  readonly arena: Arena;
  readonly traits: KernelTraits;
}

export class MeterMemory implements Disposable {
  readonly working: WorkingSet;
  readonly #instruments: Instruments;
  readonly #residents: Resident[] = [];

  constructor(instruments: Instruments) {
    this.#instruments = instruments;
    this.working = new WorkingSet(instruments.arena);
  }

  /** `length` numbers that differ; on a device they get there as weights do, which stay. @throws MEMORY_LIMIT */
  async createRandom(length: number): Promise<Region> {
    const { arena, traits } = this.#instruments;
    if (!arena.isOnDevice) return this.#fill(this.working.allocate(length));
    const columns = traits.panelColumns;
    const depth = Math.ceil(length / columns) - 1;
    const { region } = await this.createPanels({ columns, segmentColumns: columns, depth });
    return { ...region, byteLength: 4 * length };
  }

  /** Packed weights [columns, depth] that differ. @throws MEMORY_LIMIT */
  async createPanels(size: Omit<Panels, 'region'> & { readonly depth: number }): Promise<Panels> {
    const { scheduler, traits } = this.#instruments;
    const { columns, segmentColumns, depth } = size;
    const segments = Math.ceil(columns / segmentColumns);
    const weight = this.#fill(this.working.allocateVisible(columns * depth));
    const length = segments * packedLength(segmentColumns, depth, traits.panelColumns);
    const target = { region: this.working.allocate(length), columns, segmentColumns };
    const work = { kind: 'pack', linears: [{ weight, bias: null, depth, target }] } as const;
    this.#residents.push(await scheduler.runResident([planPhase('pack', work, planPacking([segments]))]));
    return target;
  }

  [Symbol.dispose](): void {
    for (const resident of this.#residents.splice(0)) resident.release();
    this.working.release();
  }

  /** Memory that is really there: pages never written all read the same zeros. */
  #fill(region: Region): Region {
    const floats = new RegionViews(this.#instruments.arena.memory).floats(region);
    const random = createRandom(1);
    const sample = Float32Array.from({ length: Math.min(floats.length, 1021) }, () => random.normal());
    for (let start = 0; start < floats.length; start += sample.length) {
      floats.set(sample.subarray(0, floats.length - start), start);
    }
    return region;
  }
}
