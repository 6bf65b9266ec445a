// `headpool scale --machines` against what came: how far the prediction for one and for two worker processes is from the
// shards that it measured itself, and from the whole run, computed by as many processes in the end.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MachinesResults } from '../src/commands/outputs/machines-output.js';
import { createEngine, type EngineInfo } from '../src/index.js';
import { median } from '../src/measure/statistics.js';
import { formatDuration, formatFlop, formatShare } from '../src/page/figures.js';
import { readArguments } from './helpers/arguments.js';
import { runCommand } from './helpers/command.js';
import { openFolder, requireSpace } from './helpers/disk.js';
import { progress, report } from './helpers/outcome.js';

const shards = 24;
const modelDim = 512;
const mostDifference = 0.15;

const { json, rounds, ...args } = readArguments('A prediction of a run in shards, held against the run.', {
  folder: '',
  rounds: 3,
  seconds: 120,
  sequences: 144,
});
const folder = join(await openFolder(args.folder), 'plan');
const config = join(folder, 'run.yaml');
const y = join(folder, 'y.safetensors');

/** Of so many processes: what was predicted and measured, of a sample and of the whole run. */
interface Found {
  readonly processes: number;
  readonly sample: Pair;
  readonly run: Pair;
}

interface Pair {
  readonly predictedMs: number;
  readonly measuredMs: number;
}

await rm(folder, { recursive: true, force: true });
await mkdir(folder);
try {
  await prepareRun();
  const found: Found[] = [];
  let flop = 0;
  for (let round = 1; round <= rounds; round++) {
    progress(`round ${round} of ${rounds}: predicts`);
    const results = await predict();
    flop = results.flop;
    for (const { processes, predictedMs, measuredMs, runMs } of results.checks) {
      progress(`round ${round} of ${rounds}: computes all shards with ${processes} at once`);
      const run = { predictedMs: runMs, measuredMs: await computeRun(processes) };
      found.push({ processes, sample: { predictedMs, measuredMs }, run });
    }
  }
  conclude(await describeEngine(), found, flop);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function prepareRun(): Promise<void> {
  const [x, w] = [join(folder, 'x.safetensors'), join(folder, 'w.safetensors')];
  const lengths = ['--min-length', '500', '--max-length', '2500'];
  // Inputs, parts of the run and of the sample, and the output.
  await requireSpace(folder, 4 * args.sequences * 1500 * modelDim * 4);
  const size = ['--model-dim', `${modelDim}`];
  await runCommand(['make-sequences', '-o', x, '--sequences', `${args.sequences}`, ...lengths, ...size]);
  await runCommand(['make-weights', '-o', w, '--heads', '8', ...size]);
  await writeFile(config, JSON.stringify({ input: x, weights: w, output: y, threads: 1 }));
}

async function predict(): Promise<MachinesResults> {
  const { stdout } = await runCommand([
    ...['scale', '--machines', '2', '--run', config, '--shards', `${shards}`],
    ...['--threads', '1', '--seconds', `${args.seconds}`, '--json'],
  ]);
  return JSON.parse(stdout) as MachinesResults;
}

/** From the first process to the end of the merge. */
async function computeRun(processes: number): Promise<number> {
  const numbers = Array.from({ length: shards }, (_, index) => index + 1).values();
  const work = async (): Promise<void> => {
    for (const number of numbers)
      await runCommand(['run', '--config', config, '--shard', `${number}/${shards}`]);
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: processes }, work));
  await runCommand(['merge', '-o', y]);
  const elapsedMs = performance.now() - startMs;
  await runCommand(['shards', '-o', y, '--remove']);
  for (const path of [y, `${y}.manifest`]) await rm(path);
  return elapsedMs;
}

async function describeEngine(): Promise<EngineInfo> {
  const engine = await createEngine();
  await engine.close();
  return engine.info;
}

function conclude(engine: EngineInfo, found: readonly Found[], flop: number): void {
  const kinds = [1, 2].flatMap((processes) => {
    return (['sample', 'run'] as const).map((what) => {
      const pairs = found.filter((one) => one.processes === processes).map((one) => one[what]);
      const count = processes === 1 ? 'one process' : 'two processes';
      return { name: `${count}, ${what === 'run' ? 'the whole run' : 'some shards'}`, pairs };
    });
  });
  const rows = kinds.map(({ name, pairs }) => {
    const differences = pairs.map(({ predictedMs, measuredMs }) => predictedMs / measuredMs - 1);
    return { name, pairs, differences, difference: median(differences) };
  });
  report(
    {
      benchmark: 'plan',
      engines: [engine],
      table: [
        ['', 'predicted', 'measured', 'difference', 'of each round'],
        ...rows.map(({ name, pairs, differences, difference }) => [
          name,
          formatDuration(median(pairs.map(({ predictedMs }) => predictedMs))),
          formatDuration(median(pairs.map(({ measuredMs }) => measuredMs))),
          formatShare(difference, 1),
          differences.map((one) => formatShare(one, 1)).join(', '),
        ]),
      ],
      notes: [
        `${shards} shards of ${formatFlop(flop / shards)}, processes of one thread; medians of ${rounds} rounds`,
      ],
      bars: rows.map(({ name, difference }) => ({
        name,
        found: `off by ${formatShare(Math.abs(difference), 1)}`,
        wanted: `at most ${mostDifference * 100} %`,
        isMet: Math.abs(difference) <= mostDifference,
      })),
      figures: { shards, flop, found },
    },
    { json },
  );
}
