// The fused attention kernel alone, q, k, v [1, 8, 2048, 64], in GFLOP/s by 4·H·T²·D: one worker, two workers, and
// nothing but multiply-adds of the same instruction set between the samples, the rate that no kernel can exceed.
import { createEngine } from '../src/index.js';
import { readArguments } from './helpers/arguments.js';
import { AttentionCase } from './helpers/attention-case.js';
import { formatRatio, formatRate, report } from './helpers/outcome.js';
import { enableRelaxedSimd } from './helpers/relaxed-simd.js';
import { measureScaling } from './helpers/scaling.js';
import { formatShare } from './helpers/share.js';

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
const attention = new AttentionCase({ heads, keys: tokens, headDim });
const { flop } = attention;

await using one = await createEngine({ threads: 1, kernel: 'wasm' });
await using two = await createEngine({ threads: 2, kernel: 'wasm' });
const scaling = await measureScaling({ attention, one, two, seconds });
const { one: alone } = scaling;
const rows = [
  { workers: 1, ...alone },
  { workers: 2, ...scaling.two },
];
report(
  {
    benchmark: 'attention',
    engines: [two.info],
    table: [
      ['workers', 'samples', 'min ms', 'median', 'p90', 'GFLOP/s', 'multiply-add', 'share'],
      ...rows.map(({ workers, latencyMs, limit, share }) => [
        String(workers),
        String(latencyMs.count),
        ...[latencyMs.min, latencyMs.median, latencyMs.p90].map((ms) => ms.toFixed(1)),
        formatRate(flop, latencyMs.median),
        (limit.median / 1e9).toFixed(1),
        formatShare(share),
      ]),
    ],
    notes: [
      `Two workers against one: ${formatRatio(scaling.ratio)}, control ${formatRatio(scaling.control)}; ` +
        `multiply-adds alone ${scaling.peakSpeedUp.toFixed(2)}x`,
    ],
    bars: [
      {
        name: `attention at T = ${tokens}, D = ${headDim}, one worker`,
        found: `${formatRate(flop, alone.latencyMs.median)} GFLOP/s, ${formatShare(alone.share)} of the multiply-add rate`,
        wanted: `at least ${leastRate / 1e9} GFLOP/s or ${formatShare(leastShare)}`,
        isMet: alone.perSecond >= leastRate || alone.share >= leastShare,
      },
      {
        name: 'two workers against one, less the deviation of the control',
        found: `${scaling.safeRatio.toFixed(2)}x`,
        wanted: `at least ${leastSpeedUp}x`,
        isMet: scaling.safeRatio >= leastSpeedUp,
      },
    ],
    figures: { shape: attention.shape, flop, ...scaling },
  },
  { json },
);
