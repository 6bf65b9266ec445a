// The whole layer against its peers, in one run on the same inputs: onnxruntime-web (WebAssembly) and tfjs with its
// WebAssembly backend, both in Node. Outputs are compared first; then alternating pairs with an A/A control. Rates by
// 8·T·d² + 4·T²·d; no mask. Each peer runs the faster of the forms in which it can express the layer.
import { existsSync } from 'node:fs';
import { createEngine, type Engine } from '../src/index.js';
import { readArguments } from './helpers/arguments.js';
import { layerFlop, randomTensor, randomWeights, type LayerCase } from './helpers/inputs.js';
import { checkClose, layerRow, relativeError } from './helpers/oracle.js';
import { formatRate, formatRatio, progress, report, type Bar } from './helpers/outcome.js';
import { comparePairs, type PairResult } from './helpers/pairs.js';
import { loadPeers, peersFolder, type PeerLayer } from './helpers/peer-layers.js';
import { enableRelaxedSimd } from './helpers/relaxed-simd.js';

const cases: readonly LayerCase[] = [
  { modelDim: 512, heads: 8, tokens: 128 },
  { modelDim: 768, heads: 12, tokens: 512 },
  { modelDim: 768, heads: 12, tokens: 2048 },
];
const leastRatio = 1.5;
const mostThreads = 2;
// The threads of onnxruntime spin for up to 25 ms after a run, on the core that one of our workers would need.
const gapMs = 40;

interface Contest extends PairResult {
  readonly shape: LayerCase;
  readonly threads: number;
  readonly peer: { readonly name: string; readonly form: string; readonly threads: number };
  /** Largest difference between both outputs, as a share of the largest number. */
  readonly difference: number;
}

if (!existsSync(new URL('node_modules/', peersFolder))) {
  console.error('The peers are not installed: npm --prefix bench/peers ci --ignore-scripts');
  process.exit(2);
}
enableRelaxedSimd();
const { json, seconds } = readArguments({ seconds: 10 });
const peers = await loadPeers(mostThreads);
const engines = new Map<number, Engine>();
for (const threads of new Set([mostThreads, ...peers.map((peer) => peer.threads)])) {
  engines.set(threads, await createEngine({ threads, kernel: 'wasm' }));
}

const contests: Contest[] = [];
for (const shape of cases) contests.push(...(await runCase(shape)));
report(
  {
    benchmark: 'peers',
    engine: engines.get(mostThreads)!.info,
    table: [
      [
        'layer',
        'peer',
        'pairs',
        'threads',
        'ms',
        'GFLOP/s',
        'headpool threads',
        'ms',
        'GFLOP/s',
        'ratio',
        'control',
        'difference',
      ],
      ...contests.map((contest) => [
        nameOf(contest.shape),
        `${contest.peer.name} (${contest.peer.form})`,
        String(contest.ours.count),
        String(contest.peer.threads),
        contest.theirs.median.toFixed(1),
        formatRate(layerFlop(contest.shape), contest.theirs.median),
        String(contest.threads),
        contest.ours.median.toFixed(1),
        formatRate(layerFlop(contest.shape), contest.ours.median),
        formatRatio(contest.ratio),
        formatRatio(contest.control),
        contest.difference.toExponential(0),
      ]),
    ],
    notes: peers.flatMap(({ name, version, threads, note }) => [
      `${name} ${version}, ${threads === 1 ? '1 thread' : `${threads} threads`}${note === undefined ? '' : `: ${note}`}`,
    ]),
    bars: contests.map(({ shape, peer, threads, safeRatio }): Bar => ({
      name: `${nameOf(shape)}, ${workers(threads)} against ${peer.name} on ${peer.threads}, less the control's deviation`,
      found: `${safeRatio.toFixed(2)}x`,
      wanted: `at least ${leastRatio}x`,
      isMet: safeRatio >= leastRatio,
    })),
    figures: contests,
  },
  { json },
);
for (const engine of engines.values()) await engine.close();

async function runCase(shape: LayerCase): Promise<Contest[]> {
  const { modelDim, heads, tokens } = shape;
  const weights = randomWeights(shape);
  const x = randomTensor([tokens, modelDim], 6);
  const found: Contest[] = [];
  for (const peer of peers) {
    progress(`${nameOf(shape)} against ${peer.name}`);
    const theirs = await peer.createLayer({ shape, weights, x });
    for (const threads of new Set([peer.threads, mostThreads])) {
      using layer = await engines.get(threads)!.multiHeadAttention({ heads, weights });
      const { output } = await layer.forward(x);
      const lastRow = output.data.subarray(-modelDim);
      checkClose('The last row', relativeError(lastRow, layerRow(x, weights, heads, tokens - 1)));
      const difference = relativeError(await theirs.run(), output.data);
      checkClose(`The output of ${peer.name}`, difference);
      const result = await comparePairs({
        ours: () => layer.forward(x),
        theirs: () => theirs.run(),
        seconds,
        gapMs,
        leastPairs: 3,
      });
      found.push({ ...result, shape, threads, difference, peer: describe(peer, theirs) });
    }
    theirs.dispose();
  }
  return found;
}

function describe(peer: { name: string; threads: number }, layer: PeerLayer): Contest['peer'] {
  return { name: peer.name, form: layer.form, threads: peer.threads };
}

function workers(count: number): string {
  return count === 1 ? '1 worker' : `${count} workers`;
}

function nameOf({ modelDim, heads, tokens }: LayerCase): string {
  return `${modelDim}/${heads}/${tokens}`;
}
