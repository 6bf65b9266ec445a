// What a small call costs: the time from `layer.forward(x)` to its result for one token at modelDim 64 with 4 heads,
// where the work itself (8·T·d² + 4·T²·d = 33 kFLOP) takes about 1 µs. Sixteen tokens at modelDim 768 stand beside it.
// The package `benchmark` samples: it warms up, calls in cycles and decides how many; the latencies are ours, a call each.
import { createEngine, type EngineInfo, type MultiHeadAttention, type Tensor } from '../src/index.js';
import { sampleInCycles } from '../src/measure/grid/sample.js';
import { summarise, type Summary } from '../src/measure/statistics.js';
import { time } from '../src/measure/time.js';
import { readArguments } from './helpers/arguments.js';
import { layerFlop, randomTensor, randomWeights, type LayerCase } from './helpers/inputs.js';
import { checkClose, layerRow, relativeError } from './helpers/oracle.js';
import { formatRate, report } from './helpers/outcome.js';
import { enableRelaxedSimd } from './helpers/relaxed-simd.js';

const oneToken = { modelDim: 64, heads: 4, tokens: 1 };
const sixteenTokens = { modelDim: 768, heads: 12, tokens: 16 };
const cases = [
  { ...oneToken, threads: 1 },
  { ...oneToken, threads: 2 },
  { ...sixteenTokens, threads: 1 },
  { ...sixteenTokens, threads: 2 },
];
const mostMs = 0.15;

enableRelaxedSimd();
const { json, seconds } = readArguments({ seconds: 3 });
const results: (LayerCase & { threads: number; latencyMs: Summary })[] = [];
let info: EngineInfo | undefined;
for (const shape of cases) {
  await using engine = await createEngine({ threads: shape.threads, kernel: 'wasm' });
  info = engine.info;
  const weights = randomWeights(shape);
  const layer = await engine.multiHeadAttention({ heads: shape.heads, weights });
  const x = randomTensor([shape.tokens, shape.modelDim], 6);
  const { output } = await layer.forward(x);
  const last = output.data.subarray(-shape.modelDim);
  checkClose('The last row', relativeError(last, layerRow(x, weights, shape.heads, shape.tokens - 1)));
  results.push({ ...shape, latencyMs: summarise(await sample(layer, x)) });
}

const barred = results[1]!.latencyMs;
const us = (ms: number): string => (ms * 1e3).toFixed(1);
report(
  {
    benchmark: 'dispatch',
    engines: [info!],
    table: [
      ['layer', 'workers', 'calls', 'min µs', 'median', 'p90', 'p99', 'GFLOP/s'],
      ...results.map(({ threads, latencyMs, ...shape }) => [
        `d=${shape.modelDim} h=${shape.heads} T=${shape.tokens}`,
        String(threads),
        String(latencyMs.count),
        ...[latencyMs.min, latencyMs.median, latencyMs.p90, latencyMs.p99].map(us),
        formatRate(layerFlop(shape), latencyMs.median),
      ]),
    ],
    bars: [
      {
        name: 'one token at modelDim 64, two workers, median',
        found: `${barred.median.toFixed(3)} ms`,
        wanted: `under ${mostMs} ms, aim 0.05 ms`,
        isMet: barred.median < mostMs,
      },
    ],
    figures: results,
  },
  { json },
);

/** Milliseconds of every call once times have settled. */
async function sample(layer: MultiHeadAttention, x: Tensor): Promise<number[]> {
  const latencies: number[] = [];
  const call = async (): Promise<void> => {
    latencies.push(await time(() => layer.forward(x)));
  };
  await sampleInCycles(call, { seconds, leastSamples: 5 });
  // The first cycles find the number of calls and compile the code on the way.
  return latencies.slice(Math.floor(latencies.length / 10));
}
