// What heads contribute to the output of a layer, for head statistics: the Gram matrices of W^O, made once for a layer
// that is asked for them, and the phase that measures with them.
import type { Heads } from '../../core/protocol/layout.js';
import type { ResolvedWeights } from '../../attention/weights.js';
import type { Arena } from '../../core/tensor/arena.js';
import { regionOf, type Region } from '../../core/tensor/region.js';
import { packedLength, type Panels } from '../../core/protocol/layout.js';
import type { KernelTraits } from '../../core/protocol/kernels.js';
import type { Strided } from '../../core/protocol/strided.js';
import type { AssembledAttention } from './assemble-attention.js';
import { planPhase, type PlannedPhase } from './assembly.js';
import { planHeads, planPacking } from '../plan/plan-layer.js';
import { planContributions } from '../plan/plan-heads.js';
import type { Resident, Scheduler } from '../scheduler.js';

export interface GramPanels {
  readonly panels: Panels;
  /** To be freed with the layer. */
  readonly region: Region;
  readonly resident: Resident;
}

/** Computes and packs the Gram matrix of every head. @throws MEMORY_LIMIT, and what a job throws */
export async function packGram(
  { heads, valueDim, output }: ResolvedWeights,
  {
    arena,
    scheduler,
    traits,
  }: {
    readonly arena: Arena;
    readonly scheduler: Pick<Scheduler, 'runResident'>;
    readonly traits: Pick<KernelTraits, 'panelColumns'>;
  },
): Promise<GramPanels> {
  const gram = arena.allocate(heads * valueDim * valueDim);
  const region = arena.allocate(heads * packedLength(valueDim, valueDim, traits.panelColumns));
  const panels = { region, columns: heads * valueDim, segmentColumns: valueDim };
  const weight = regionOf(output.weight.data);
  const linear = { weight: gram, bias: null, depth: valueDim, target: panels };
  try {
    const resident = await scheduler.runResident([
      planPhase(
        'gram',
        { kind: 'gram', weight, rows: output.outputs, heads, valueDim, to: gram },
        planHeads(heads),
      ),
      planPhase('pack', { kind: 'pack', linears: [linear] }, planPacking([heads])),
    ]);
    return { panels, region, resident };
  } catch (error) {
    arena.free(region);
    throw error;
  } finally {
    arena.free(gram);
  }
}

/** The phase behind attention that measures the contributions, where statistics were asked for. */
export function assembleContributions(
  { results, entries }: AssembledAttention,
  operands: {
    readonly heads: Heads;
    readonly entries: Parameters<typeof planContributions>[0];
    readonly concat: Strided;
    readonly gram: Panels;
    readonly unitRows: number;
  },
): PlannedPhase {
  const { heads, concat, gram } = operands;
  const { statistics } = results.work;
  if (statistics === null) throw new TypeError('Contributions belong to statistics');
  return planPhase(
    'contribute',
    { kind: 'contribute', valueDim: heads.valueDim, concat, gram, statistics },
    planContributions(operands.entries, heads, operands.unitRows),
    [entries],
  );
}
