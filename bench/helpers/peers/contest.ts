// One layer against one peer: outputs compared, then alternating pairs with an A/A control.
import type { Engine, EngineInfo } from '../../../src/index.js';
import type { PeakMeter } from '../../../src/measure/peak.js';
import { median } from '../../../src/measure/statistics.js';
import { checkClose, relativeError } from '../../../src/measure/cases/check.js';
import { normalTensor } from '../../../src/measure/cases/inputs.js';
import { checkRows, layerFlop, layerWeights, type LayerCase } from '../layer.js';
import { comparePairs, type PairResult } from '../../../src/measure/pairs.js';
import type { TimedLayer } from './fastest-form.js';
import type { LayerInputs, Peer } from './peer.js';

// The threads of onnxruntime spin for up to 25 ms after a run, on the core that one of our workers would need.
const gapMs = 40;
const sampleMs = 50;

export interface Contest extends PairResult {
  readonly shape: LayerCase;
  readonly engine: EngineInfo;
  readonly peer: { readonly name: string; readonly form: string; readonly threads: number };
  /** Largest difference between both outputs, as a share of the largest number. */
  readonly difference: number;
  /** The ratio if nothing but the layer's multiply-adds took time, at the rate measured between the pairs. */
  readonly ceiling: number;
}

export interface Opponents {
  readonly inputs: LayerInputs;
  readonly engine: Engine;
  readonly peer: Peer;
  readonly theirs: TimedLayer;
  /** Of the engine. */
  readonly peak: PeakMeter;
  readonly seconds: number;
}

/** @throws RangeError if an output is wrong */
export async function runContest(opponents: Opponents): Promise<Contest> {
  const { inputs, engine, peer, theirs, peak, seconds } = opponents;
  const { shape, weights, x } = inputs;
  const { heads, causal = false } = shape;
  using layer = await engine.multiHeadAttention({ heads, weights, causal });
  const { output } = await layer.forward(x);
  checkRows('Our output', { x, y: output, weights, heads, causal });
  const difference = relativeError(await theirs.layer.run(), output.data);
  checkClose(`The output of ${peer.name}`, difference);
  const peaks: number[] = [];
  const result = await comparePairs({
    ours: () => layer.forward(x),
    theirs: () => theirs.layer.run(),
    seconds,
    gapMs,
    sampleMs,
    leastPairs: 3,
    between: async () => {
      peaks.push(await peak());
    },
  });
  const ceiling = (result.theirs.median / 1e3) * (median(peaks) / layerFlop(shape));
  const { name, threads } = peer;
  return {
    ...result,
    ceiling,
    shape,
    engine: engine.info,
    difference,
    peer: { name, threads, form: theirs.form },
  };
}

export function drawInputs(shape: LayerCase): LayerInputs {
  const { modelDim, tokens } = shape;
  return { shape, weights: layerWeights(shape), x: normalTensor([tokens, modelDim], 6) };
}
