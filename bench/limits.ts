// The kernels held against the machine, measured by turns in the same run: attention and a product against nothing but
// multiply-adds of the same instruction set, decoding against nothing but reading, two workers against one. FLOP of
// attention by 4·H·T²·D, of a product by 2·rows·depth·columns.
import { availableParallelism } from 'node:os';
import { createEngine } from '../src/index.js';
import { calibratePeak } from '../src/measure/peak.js';
import { readArguments } from './helpers/arguments.js';
import { AttentionCase } from './helpers/attention-case.js';
import { formatRatio, progress, report, type Bar } from './helpers/outcome.js';
import { enableRelaxedSimd } from './helpers/relaxed-simd.js';
import { measureScaling } from './helpers/scaling.js';
import { formatShare, measureShare, type Share } from './helpers/share.js';
import { time } from '../src/measure/time.js';

const heads = 8;
const narrow = { heads, keys: 2048, headDim: 64 };
const wide = { heads, keys: 2048, headDim: 128 };
const product = { rows: 2048, depth: 768, columns: 768 };
// 268 MB of keys and values: more than caches hold.
const decoding = { heads, queries: 1, keys: 65_536, headDim: 64 };
const leastShares = { narrow: 0.7, wide: 0.75, product: 0.8, decoding: 0.7 };
const leastSpeedUp = 1.9;

enableRelaxedSimd();
const { json, seconds } = readArguments({ seconds: 10 });
const workers = availableParallelism();
await using one = await createEngine({ threads: 1 });
await using two = await createEngine({ threads: 2 });
await using all = workers === 2 ? two : await createEngine({ threads: workers });

progress(`attention, D = ${narrow.headDim}, one worker and two`);
const scaling = await measureScaling({ attention: new AttentionCase(narrow), one, two, seconds });
const peak = await calibratePeak(one);

progress(`attention, D = ${wide.headDim}`);
const attention = new AttentionCase(wide);
await attention.check(one);
const wideShare = await measureShare({
  work: () => time(() => one.attention(attention.inputs)),
  amount: attention.flop,
  limit: peak,
  seconds,
});

progress('product');
using productMeter = await one.openProductMeter(product);
const productShare = await measureShare({
  work: () => productMeter.measure(),
  amount: 2 * product.rows * product.depth * product.columns,
  limit: peak,
  seconds,
});

progress('decoding');
const step = new AttentionCase(decoding);
await step.check(all);
using readMeter = all.openReadMeter(step.keyAndValueBytes);
const decodingShare = await measureShare({
  work: () => time(() => all.attention(step.inputs)),
  amount: step.keyAndValueBytes,
  limit: async () => (step.keyAndValueBytes / (await readMeter.measure())) * 1e3,
  seconds,
});

interface Row extends Share {
  readonly name: string;
  readonly workers: number;
  readonly unit: 'GFLOP/s' | 'GB/s';
  /** Without, there is no bar. */
  readonly least?: number;
}

const shapeName = ({ heads: count, keys, headDim }: typeof narrow): string =>
  `attention, H = ${count}, T = ${keys}, D = ${headDim}`;
const rows: readonly Row[] = [
  { name: shapeName(narrow), workers: 1, unit: 'GFLOP/s', least: leastShares.narrow, ...scaling.one },
  { name: shapeName(narrow), workers: 2, unit: 'GFLOP/s', ...scaling.two },
  { name: shapeName(wide), workers: 1, unit: 'GFLOP/s', least: leastShares.wide, ...wideShare },
  {
    name: `product ${product.rows} x ${product.depth} x ${product.columns}`,
    ...{ workers: 1, unit: 'GFLOP/s', least: leastShares.product, ...productShare },
  },
  {
    name: `decoding on ${decoding.keys} keys, D = ${decoding.headDim}, F32`,
    ...{ workers, unit: 'GB/s', least: leastShares.decoding, ...decodingShare },
  },
];
const limitNames = { 'GFLOP/s': 'multiply-add rate', 'GB/s': 'read bandwidth' } as const;
const giga = (perSecond: number): string => (perSecond / 1e9).toFixed(1);
report(
  {
    benchmark: 'limits',
    engines: [all.info],
    table: [
      [
        'what',
        'workers',
        'samples',
        'min ms',
        'median',
        'p90',
        'reached',
        'limit',
        'p10',
        'p90',
        '',
        'share',
      ],
      ...rows.map(({ name, workers: count, unit, latencyMs, limit, perSecond, share }) => [
        ...[name, String(count), String(latencyMs.count)],
        ...[latencyMs.min, latencyMs.median, latencyMs.p90].map((ms) => ms.toFixed(1)),
        ...[perSecond, limit.median, limit.p10, limit.p90].map(giga),
        ...[unit, formatShare(share)],
      ]),
    ],
    notes: [
      `Two workers against one: ${formatRatio(scaling.ratio)}, control ${formatRatio(scaling.control)}; ` +
        `multiply-adds alone ${scaling.peakSpeedUp.toFixed(2)}x`,
    ],
    bars: [
      ...rows.flatMap(barOf),
      ...(workers < 2
        ? []
        : [
            {
              name: `two workers against one, ${shapeName(narrow)}, less the deviation of the control`,
              found: `${scaling.safeRatio.toFixed(2)}x`,
              wanted: `at least ${leastSpeedUp}x`,
              isMet: scaling.safeRatio >= leastSpeedUp,
            },
          ]),
    ],
    figures: { rows, scaling },
  },
  { json },
);

function barOf({ name, unit, least, share }: Row): Bar[] {
  if (least === undefined) return [];
  return [
    {
      name: `${name}, share of the ${limitNames[unit]}`,
      found: formatShare(share),
      wanted: `at least ${formatShare(least)}`,
      isMet: share >= least,
    },
  ];
}
