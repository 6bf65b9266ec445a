// What `headpool bench` can't hold against the machine, measured by turns in the same run: a product with packed weights
// against nothing but multiply-adds of the same instruction set, one query on many keys against nothing but reading.
import { availableParallelism } from 'node:os';
import { createEngine } from '../src/index.js';
import { checkClose, relativeError } from '../src/measure/cases/check.js';
import { normalTensor } from '../src/measure/cases/inputs.js';
import { Oracle } from '../src/measure/cases/oracle-row.js';
import { time } from '../src/measure/pairs.js';
import { calibratePeak } from '../src/measure/peak.js';
import { summarise, type Summary } from '../src/measure/statistics.js';
import { formatShare } from '../src/page/figures.js';
import { readArguments } from './helpers/arguments.js';
import { progress, report } from './helpers/outcome.js';
import { enableRelaxedSimd } from './helpers/relaxed-simd.js';

const product = { rows: 2048, depth: 768, columns: 768 };
// 268 MB of keys and values: more than caches hold.
const shape = { heads: 8, kvHeads: 8, headDim: 64, batch: 1, queries: 1, keys: 65_536 };
const leastSamples = 10;

interface Row {
  readonly name: string;
  readonly workers: number;
  readonly unit: 'GFLOP/s' | 'GB/s';
  readonly limitName: string;
  readonly least: number;
  /** Milliseconds of a run. */
  readonly latencyMs: Summary;
  /** What the machine does a second, in FLOP or bytes. */
  readonly limit: Summary;
  /** Reached in the median. */
  readonly perSecond: number;
  /** 1 is the limit. */
  readonly share: number;
}

enableRelaxedSimd();
const { json, seconds } = readArguments('A product and decoding, as shares of what the machine could do.', {
  seconds: 10,
});
const workers = availableParallelism();
await using one = await createEngine({ threads: 1 });
await using all = await createEngine({ threads: workers });

progress('product');
using productMeter = await one.openProductMeter(product);
const productRow = await measureRow({
  name: `product ${product.rows} x ${product.depth} x ${product.columns}`,
  workers: 1,
  unit: 'GFLOP/s',
  limitName: 'multiply-add rate',
  least: 0.8,
  work: () => productMeter.measure(),
  amount: 2 * product.rows * product.depth * product.columns,
  limit: await calibratePeak(one),
});

progress('decoding');
const { heads, headDim, keys } = shape;
const [q, k, v] = [1, keys, keys].map((tokens, n) => normalTensor([1, heads, tokens, headDim], n + 1));
const inputs = { q: q!, k: k!, v: v! };
const { output } = await all.attention(inputs);
const oracle = new Oracle(shape);
for (let head = 0; head < heads; head++) {
  const tensors = { q: inputs.q.data, k: inputs.k.data, v: inputs.v.data };
  const wanted = oracle.attentionRow(tensors, { entry: 0, query: 0 }, head).output;
  checkClose(
    `Head ${head}`,
    relativeError(output.data.subarray(head * headDim, (head + 1) * headDim), wanted),
  );
}
const bytes = inputs.k.data.byteLength + inputs.v.data.byteLength;
using readMeter = await all.openReadMeter(bytes);
const decodingRow = await measureRow({
  name: `decoding on ${keys} keys, D = ${headDim}, F32`,
  workers,
  unit: 'GB/s',
  limitName: 'read bandwidth',
  least: 0.7,
  work: () => time(() => all.attention(inputs)),
  amount: bytes,
  limit: async () => (bytes / (await readMeter.measure())) * 1e3,
});

const rows = [productRow, decodingRow];
const giga = (perSecond: number): string => (perSecond / 1e9).toFixed(1);
report(
  {
    benchmark: 'limits',
    engines: [all.info],
    table: [
      'what,workers,samples,min ms,median,p90,reached,limit,p10,p90,,share'.split(','),
      ...rows.map(({ name, workers: used, unit, latencyMs, limit, perSecond, share }) => [
        name,
        String(used),
        String(latencyMs.count),
        ...[latencyMs.min, latencyMs.median, latencyMs.p90].map((ms) => ms.toFixed(1)),
        ...[perSecond, limit.median, limit.p10, limit.p90].map(giga),
        unit,
        formatShare(share, 0),
      ]),
    ],
    bars: rows.map(({ name, limitName, least, share }) => ({
      name: `${name}, share of the ${limitName}`,
      found: formatShare(share, 0),
      wanted: `at least ${formatShare(least, 0)}`,
      isMet: share >= least,
    })),
    figures: { rows },
  },
  { json },
);

interface Measured extends Pick<Row, 'name' | 'workers' | 'unit' | 'limitName' | 'least'> {
  /** Runs once and tells how many milliseconds that took. */
  readonly work: () => Promise<number>;
  /** What a run does, in FLOP or bytes. */
  readonly amount: number;
  /** Measures what the machine does a second. */
  readonly limit: () => Promise<number>;
}

async function measureRow({ work, amount, limit: measureLimit, ...row }: Measured): Promise<Row> {
  await work();
  await measureLimit();
  const [times, limits]: [number[], number[]] = [[], []];
  const end = performance.now() + seconds * 1e3;
  while (performance.now() < end || times.length < leastSamples) {
    limits.push(await measureLimit());
    times.push(await work());
  }
  const [latencyMs, limit] = [summarise(times), summarise(limits)];
  const perSecond = (amount / latencyMs.median) * 1e3;
  return { ...row, latencyMs, limit, perSecond, share: perSecond / limit.median };
}
