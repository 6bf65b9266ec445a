// The peak resident memory of a process that puts one sequence through a layer (modelDim 256, 4 heads, no mask): Node,
// the engine, input and output, everything. A quarter of the tokens runs first, so that the growth shows: with tokens,
// 4 times; with their square, 16 times. Rates by 8·T·d² + 4·T²·d. Then what runs of files take that `--memory` bounds.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatDuration } from '../src/page/figures.js';
import { readArguments } from './helpers/arguments.js';
import { measureBounded } from './helpers/bounded-runs.js';
import { layerFlop } from './helpers/layer.js';
import type { OnePass } from './helpers/one-pass.js';
import { formatRate, progress, report } from './helpers/outcome.js';

const mostBytes = 600e6;
// 4 times the tokens: linear growth is 4, quadratic 16.
const mostGrowth = 5;

const { json, tokens, threads, sequences } = readArguments(
  'The peak memory of a process that puts one sequence through a layer.',
  {
    tokens: 65_536,
    threads: 2,
    sequences: 60,
  },
);
const small = await runOnce(Math.ceil(tokens / 4));
const large = await runOnce(tokens);
progress('runs with --memory 150MB');
const bounded = await measureBounded(sequences, threads);
const growth = (large.peakBytes - large.startBytes) / (small.peakBytes - small.startBytes);

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
report(
  {
    benchmark: 'memory',
    engines: [large.engine],
    table: [
      ['tokens', 'at start MB', 'peak', 'above start a token', 'error', 'time', 'GFLOP/s'],
      ...[small, large].map((pass) => [
        pass.tokens.toLocaleString('en-US'),
        megabytes(pass.startBytes),
        megabytes(pass.peakBytes),
        `${((pass.peakBytes - pass.startBytes) / pass.tokens / 1e3).toFixed(1)} kB`,
        pass.error.toExponential(0),
        formatDuration(pass.ms),
        formatRate(layerFlop(pass), pass.ms),
      ]),
    ],
    bars: [
      {
        name: `peak resident memory of ${tokens.toLocaleString('en-US')} tokens`,
        found: `${megabytes(large.peakBytes)} MB`,
        wanted: `under ${megabytes(mostBytes)} MB`,
        isMet: large.peakBytes < mostBytes,
      },
      {
        name: 'growth of the memory above the start, with 4 times the tokens',
        found: `${growth.toFixed(1)}x`,
        wanted: `under ${mostGrowth}x`,
        isMet: growth < mostGrowth,
      },
      ...bounded.map(({ format, allowedBytes, idleBytes, peakBytes }) => ({
        name: `.${format} with --memory 150MB: peak above that of a run of one token (${megabytes(idleBytes)} MB)`,
        found: `${megabytes(peakBytes - idleBytes)} MB`,
        wanted: `at most ${megabytes(allowedBytes)} MB`,
        isMet: peakBytes - idleBytes <= allowedBytes,
      })),
    ],
    figures: { passes: [small, large], growth, bounded },
  },
  { json },
);

// A process of its own: its peak is that of one pass. Linux hands the peak of the process that starts another on to it,
// so this one stays small.
async function runOnce(passTokens: number): Promise<OnePass> {
  progress(`${passTokens.toLocaleString('en-US')} tokens`);
  const script = fileURLToPath(new URL('helpers/one-pass.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    script,
    String(passTokens),
    String(threads),
  ]);
  return JSON.parse(stdout) as OnePass;
}
