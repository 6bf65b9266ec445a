// A peer is compared in the form that runs fastest here, so that no figure rests on a bad way of using it.
import { progress } from '../outcome.js';
import { time } from '../../../src/measure/pairs.js';
import type { LayerInputs, PeerForm, PeerLayer } from './peer.js';

const runs = 3;
// Short runs are repeated for so long: they are slower until threads and caches have settled.
const settleMs = 100;
// A warm-up that takes so many times the best form's runs won't win.
const hopeless = 3;

export interface TimedLayer {
  readonly form: string;
  readonly layer: PeerLayer;
  /** The least of a few runs. */
  readonly ms: number;
}

/** The layer in the fastest of the forms, of which there must be one; the others are disposed. */
export async function createFastest(forms: readonly PeerForm[], inputs: LayerInputs): Promise<TimedLayer> {
  let best: TimedLayer | undefined;
  for (const form of forms) {
    const layer = await form.create(inputs);
    const ms = await timeRuns(layer, best === undefined ? Infinity : hopeless * best.ms);
    progress(`  ${form.name}: ${ms.toFixed(1)} ms`);
    if (best !== undefined && best.ms <= ms) {
      await layer.dispose();
      continue;
    }
    await best?.layer.dispose();
    best = { form: form.name, layer, ms };
  }
  return best!;
}

async function timeRuns(layer: PeerLayer, mostMs: number): Promise<number> {
  const warmUpMs = await time(() => layer.run());
  if (warmUpMs > mostMs) return warmUpMs;
  const times: number[] = [];
  const end = performance.now() + settleMs;
  while (times.length < runs || performance.now() < end) times.push(await time(() => layer.run()));
  return Math.min(...times);
}
