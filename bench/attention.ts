// The fused attention kernel alone, q, k, v [1, 8, 2048, 64], in GFLOP/s by 4·H·T²·D: one worker, two workers, and
// nothing but multiply-adds of the same instruction set between the samples, the rate that no kernel can exceed.
import { createEngine, type Engine } from '../src/index.js';
import { calibratePeak } from '../src/measure/peak.js';
import { summarise } from '../src/measure/statistics.js';
import { readArguments } from './helpers/arguments.js';
import { attentionFlop, randomTensor } from './helpers/inputs.js';
import { attentionRow, checkClose, relativeError } from './helpers/oracle.js';
import { formatRatio, formatRate, report } from './helpers/outcome.js';
import { comparePairs } from './helpers/pairs.js';
import { enableRelaxedSimd } from './helpers/relaxed-simd.js';

const leastRate = 25e9;
const leastShare = 0.6;
const leastSpeedUp = 1.85;

enableRelaxedSimd();
const { json, seconds, heads, tokens, headDim } = readArguments({
  seconds: 20,
  heads: 8,
  tokens: 2048,
  headDim: 64,
});
const shape = [1, heads, tokens, headDim];
const inputs = { q: randomTensor(shape, 1), k: randomTensor(shape, 2), v: randomTensor(shape, 3) };
const flop = attentionFlop({ heads, tokens, headDim });

await using one = await createEngine({ threads: 1, kernel: 'wasm' });
await using two = await createEngine({ threads: 2, kernel: 'wasm' });
for (const engine of [one, two]) await check(engine);

const meters = { one: await calibratePeak(one), two: await calibratePeak(two) };
const peaks = { one: [] as number[], two: [] as number[] };
const { theirs, ours, ratio, control, safeRatio } = await comparePairs({
  ours: () => two.attention(inputs),
  theirs: () => one.attention(inputs),
  seconds,
  between: async () => {
    peaks.one.push(await meters.one());
    peaks.two.push(await meters.two());
  },
});

const rows = [
  { workers: 1, latencyMs: theirs, peak: summarise(peaks.one) },
  { workers: 2, latencyMs: ours, peak: summarise(peaks.two) },
].map((row) => {
  const flopPerSecond = (flop / row.latencyMs.median) * 1e3;
  return { ...row, flopPerSecond, share: flopPerSecond / row.peak.median };
});
const [alone] = rows;
const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
const peakSpeedUp = rows[1]!.peak.median / rows[0]!.peak.median;
report(
  {
    benchmark: 'attention',
    engine: two.info,
    table: [
      ['workers', 'samples', 'min ms', 'median', 'p90', 'GFLOP/s', 'multiply-add', 'share'],
      ...rows.map(({ workers, latencyMs, peak, share }) => [
        String(workers),
        String(latencyMs.count),
        ...[latencyMs.min, latencyMs.median, latencyMs.p90].map((ms) => ms.toFixed(1)),
        formatRate(flop, latencyMs.median),
        (peak.median / 1e9).toFixed(1),
        percent(share),
      ]),
    ],
    notes: [
      `Two workers against one: ${formatRatio(ratio)}, control ${formatRatio(control)}; ` +
        `multiply-adds alone ${peakSpeedUp.toFixed(2)}x`,
    ],
    bars: [
      {
        name: `attention at T = ${tokens}, D = ${headDim}, one worker`,
        found: `${formatRate(flop, theirs.median)} GFLOP/s, ${percent(alone!.share)} of the multiply-add rate`,
        wanted: `at least ${leastRate / 1e9} GFLOP/s or ${percent(leastShare)}`,
        isMet: alone!.flopPerSecond >= leastRate || alone!.share >= leastShare,
      },
      {
        name: 'two workers against one, less the deviation of the control',
        found: `${safeRatio.toFixed(2)}x`,
        wanted: `at least ${leastSpeedUp}x`,
        isMet: safeRatio >= leastSpeedUp,
      },
    ],
    figures: { shape, flop, rows, ratio, control, safeRatio, peakSpeedUp },
  },
  { json },
);

async function check(engine: Engine): Promise<void> {
  const { output } = await engine.attention(inputs);
  for (const [head, row] of [
    [0, 0],
    [heads >> 1, tokens >> 1],
    [heads - 1, tokens - 1],
  ] as const) {
    const start = (head * tokens + row) * headDim;
    const found = output.data.subarray(start, start + headDim);
    checkClose(`Head ${head}, row ${row}`, relativeError(found, attentionRow(inputs, head, row)));
  }
}
