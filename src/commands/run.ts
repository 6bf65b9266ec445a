// headpool run: a layer over files of sequences, from the files to the table at the end.
import { join, basename } from 'node:path';
import type { CommandModule } from 'yargs';
import { weightsFromTorch } from '../attention/torch-weights.js';
import { estimateRun } from '../batch/estimate.js';
import { openRun, type OpenRun, type RunRequest } from '../batch/open-run.js';
import { executeRun } from '../batch/run.js';
import type { Settings } from '../config/schemas.js';
import { createEngine } from '../engine/engine.js';
import { readStateDict } from '../files/state-dict.js';
import { attentionOptions, checkAlignment } from './attention-options.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import { startProgress } from './progress.js';
import { printEstimate, printSummary } from './run-summary.js';

export const runCommand: CommandModule<object, CommonArgs> = {
  command: 'run',
  describe: 'Run a multi-head attention layer over files of sequences',
  builder: (yargs) => addFlags(yargs, 'run').example(runExample),
  handler: async (args) => {
    const settings = await settingsOf('run', args);
    const stop = stopOnSignals();
    const runs: OpenRun[] = [];
    try {
      // Every input is opened and checked before the first one is computed.
      for (const request of await requestsOf(settings)) {
        const run = await openRun(request);
        runs.push(run);
        checkAlignment(settings, run.query.lengths, run.key.lengths);
      }
      if (settings.dryRun) {
        const { heads, kvHeads = heads } = settings;
        const estimates = runs.map((run) => ({ run, estimate: estimateRun(run, heads, kvHeads) }));
        printEstimate(estimates, settings, args.json === true);
      } else {
        await compute(runs, settings, stop, args.json === true);
      }
    } finally {
      await Promise.all(runs.map((run) => run[Symbol.asyncDispose]()));
    }
  },
};

const runExample: [string, string][] = [
  ['$0 run --input x.safetensors --weights w.safetensors --heads 8 --output y.safetensors', 'self-attention'],
  ['$0 run --input q.npy --key kv.npy --weights w.safetensors --heads 8 --output y.npy', 'cross-attention'],
  ['$0 run --config configs/demo.yaml --threads 4', 'settings from a file, one of them replaced'],
];

async function compute(
  runs: readonly OpenRun[],
  settings: Settings<'run'>,
  signal: AbortSignal,
  isJson: boolean,
): Promise<void> {
  const { heads, kvHeads = heads, threads, kernel } = settings;
  await using engine = await createEngine({ kernel, ...(threads !== undefined && { threads }) });
  const { weights } = runs[0]!.request;
  using layer = await engine.multiHeadAttention({ heads, kvHeads, weights });
  const tokens = runs.reduce((sum, { query }) => sum + query.offsets.at(-1)!, 0);
  const sequences = runs.reduce((sum, { query }) => sum + query.count, 0);
  const progress = startProgress(tokens, sequences, process.stderr);
  const startMs = performance.now();
  try {
    for (const run of runs) {
      await executeRun(run, layer, engine.info, {
        signal,
        onProgress: (done) => {
          progress.add(done.tokens, done.sequences);
        },
      });
    }
  } finally {
    progress.end();
  }
  const elapsedMs = performance.now() - startMs;
  printSummary({ runs, layer, info: engine.info, stats: engine.stats(), sequences, elapsedMs }, isJson);
}

async function requestsOf(settings: Settings<'run'>): Promise<RunRequest[]> {
  const { input, key, value, output, batchTokens, layer: prefix, addZeroAttention } = settings;
  const select = (name: string): boolean => name.startsWith(prefix);
  const weights = weightsFromTorch(await readStateDict(settings.weights, { select }), {
    prefix,
    addZeroAttention,
  });
  const options = attentionOptions(settings);
  return input.map((path) => ({
    ...{ input: path, key, value, weights, options, batchTokens },
    output: input.length === 1 ? output : join(output, basename(path)),
  }));
}

/** Aborts at the first SIGINT or SIGTERM, with the exit code that tells which; a second one ends the process. */
function stopOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const [name, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(name, () => {
      process.exitCode = code;
      controller.abort(new Stopped(name));
    });
  }
  return controller.signal;
}

/** Why a run ended early: someone asked for it. */
export class Stopped extends Error {
  constructor(signal: string) {
    super(`Stopped by ${signal}; nothing was left under the output's name`);
  }
}
