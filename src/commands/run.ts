// headpool run: a layer over files of sequences, from the files to the table at the end.
import type { CommandModule } from 'yargs';
import type { LayerHeads } from '../runs/configuration.js';
import type { EarlierChoice } from '../runs/earlier-run.js';
import { expectOutputs, type InputSize } from '../runs/expect-outputs.js';
import { identifyRun, identifyWork } from '../runs/identity.js';
import { openJournal, type Journal, type JournalOptions } from '../runs/journal.js';
import { chooseLimits, defaultMemoryBytes, needOf } from '../runs/limits.js';
import { RunPlanner } from '../runs/planner.js';
import { checkInputs } from '../runs/preflight.js';
import { standardStream, type RunRequest } from '../runs/request.js';
import { executeRun, type RunHooks } from '../runs/run.js';
import { verifyOutputs } from '../runs/verify-outputs.js';
import { parseByteSize } from '../config/byte-size.js';
import type { Settings } from '../config/schemas.js';
import { createEngine, type Engine } from '../engine/engine.js';
import { refuseOverDisk } from '../files/disk-room.js';
import { writeText } from '../files/write-text.js';
import { formatCount } from '../page/figures.js';
import { checkAlignment } from './check-alignment.js';
import { addFlags, engineOptionsOf, settingsOf, type CommonArgs } from './command.js';
import { foretell } from './dry-run.js';
import { startProgress } from './progress.js';
import { reportOf, type RunReport } from './run-report.js';
import { requestOf } from './run-request.js';
import { formatSummary } from './run-summary.js';
import { Stopped, stopOnSignals } from './stop-signals.js';

const someFailed = 3;

export const runCommand: CommandModule<object, CommonArgs> = {
  command: 'run',
  describe: 'Run a multi-head attention layer over files of sequences',
  builder: (yargs) => addFlags(yargs, 'run').example(examples),
  handler: async (args) => {
    const settings = await settingsOf('run', args);
    const isJson = args.json === true;
    const signal = stopOnSignals();
    // Workers start while files are looked at.
    // A dry run needs them to say whether what is there was made by the same kernel.
    const starting = settings.dryRun && settings.resume === false ? undefined : startEngine(settings);
    try {
      const { request, layer } = await requestOf(settings, args.config);
      const plan = planOf(request, layer, settings);
      const sizes = await checkInputs(request, {
        limits: plan.limits,
        checkLengths: (queries, keys) => {
          checkAlignment(request.options, queries, keys);
        },
      });
      if (starting === undefined) {
        console.log(await foretell(request, plan, { layer, isJson }));
        return;
      }
      const work = await identifyWork(request, layer);
      const engine = await starting;
      const options = { identity: identifyRun(work, engine.info), earlier: choiceOf(settings) };
      if (settings.dryRun) {
        console.log(await foretell(request, plan, { layer, isJson, resuming: options }));
      } else {
        const report = await compute(request, settings, { ...plan, sizes, layer, options, engine, signal });
        await publish(report, settings, isJson);
      }
    } finally {
      await starting?.then(
        (engine) => engine.close(),
        () => undefined,
      );
    }
  },
};

function startEngine(settings: Settings<'run'>): Promise<Engine> {
  const starting = createEngine(engineOptionsOf(settings));
  // It is awaited once there is something to compute; until then a failure must not end the process.
  starting.catch(() => undefined);
  return starting;
}

async function publish(report: RunReport, { report: path, output }: Settings<'run'>, isJson: boolean) {
  if (path !== undefined) {
    await writeText(path, `${JSON.stringify(report, null, 2)}\n`);
  }
  const text = isJson ? JSON.stringify(report) : formatSummary(report);
  // Where the data go to standard output, the summary doesn't.
  if (output === standardStream) console.error(text);
  else console.log(text);
  for (const { message } of report.failures.slice(0, mostFailures)) console.error(`skipped: ${message}`);
  if (report.failures.length > 0) process.exitCode = someFailed;
}

const mostFailures = 20;

const examples: [string, string][] = [
  ['$0 run --input x.safetensors --weights w.safetensors --output y.safetensors', 'self-attention'],
  ['$0 run --input x.npy --weights bert-base-uncased/ --layer 3 --output y.npy', 'a layer of a model'],
  ['$0 run --input q.npy --key kv.npy --weights w.safetensors --output y.npy', 'cross-attention'],
  [
    '$0 run --input data/ --weights w.safetensors --output out/ --resume',
    'a folder that grows, again and again',
  ],
  ['$0 run --config configs/demo.yaml --threads 4', 'settings from a file, one of them replaced'],
];

function planOf(
  request: RunRequest,
  { heads, kvHeads }: LayerHeads,
  { memory, batchTokens }: Pick<Settings<'run'>, 'memory' | 'batchTokens'>,
) {
  const planner = new RunPlanner(request, heads, kvHeads);
  const need = needOf(request, planner);
  const memoryBytes = memory === undefined ? defaultMemoryBytes() : parseByteSize(memory);
  return { planner, need, limits: chooseLimits(need, memoryBytes, batchTokens) };
}

function choiceOf({ resume, restart }: Settings<'run'>): EarlierChoice {
  if (resume === 'mixed') return 'mixed';
  return resume ? 'resume' : restart ? 'restart' : 'refuse';
}

type Plan = ReturnType<typeof planOf> & {
  readonly sizes: ReadonlyMap<number, InputSize>;
  readonly layer: LayerHeads;
  readonly options: JournalOptions;
  readonly engine: Engine;
  readonly signal: AbortSignal;
};

async function compute(
  request: RunRequest,
  settings: Settings<'run'>,
  { limits, sizes, layer: { heads, kvHeads }, options, engine, signal }: Plan,
): Promise<RunReport> {
  const { verifyOutput } = settings;
  using layer = await engine.multiHeadAttention({ heads, kvHeads, weights: request.weights });
  const { identity } = options;
  const journal = await openJournal(request, options);
  const { state } = journal;
  const resumed = { sequences: state.sequences, tokens: state.tokens };
  const startMs = performance.now();
  try {
    await refuseOverDisk(await expectOutputs(request, state, sizes));
    const context = {
      layer,
      journal,
      limits,
      identity,
      standardInput: request.inputs.some(({ path }) => path === standardStream) ? process.stdin : undefined,
      standardOutput: process.stdout,
    };
    await withProgress({ engine, journal, inputs: identity.inputs }, (hooks) =>
      executeRun(request, context, { ...hooks, signal }),
    );
    const elapsedMs = performance.now() - startMs;
    const verified = verifyOutput ? await verifyOutputs(request, state) : undefined;
    const stats = engine.stats();
    return reportOf({ request, journal, layer, info: engine.info, stats, elapsedMs, resumed, verified });
  } catch (error) {
    throw error instanceof Stopped ? new Stopped(error.signalName, outcomeOf(journal)) : error;
  } finally {
    await journal.close();
  }
}

function outcomeOf({ canResume, state }: Journal): string {
  return canResume
    ? `; ${formatCount(state.sequences)} sequences are done, and \`--resume\` goes on after them`
    : "; nothing was left under the output's name";
}

interface Watched {
  readonly engine: Engine;
  readonly journal: Journal;
  readonly inputs: Parameters<typeof startProgress>[0]['inputs'];
}

async function withProgress(
  { engine, journal, inputs }: Watched,
  work: (hooks: RunHooks) => Promise<void>,
): Promise<void> {
  const isDone = (input: number): boolean => journal.state.placeOf(input) === undefined;
  const flop = (): number => engine.stats().flop;
  const progress = startProgress({ inputs, isDone, flop }, process.stderr);
  try {
    await work({
      onProgress: (done) => {
        progress.add(done);
      },
      onRetry: (error) => {
        console.error(`headpool: ${error.message}; it is computed again`);
      },
    });
  } finally {
    progress.end();
  }
}
