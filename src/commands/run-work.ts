// What every `headpool run` does once it knows its request: it plans, computes, and says what came of it.
import { fstatSync } from 'node:fs';
import type { LoadedLayer } from '../checkpoints/load-layer.js';
import type { LayerHeads } from '../runs/configuration.js';
import { expectOutputs, type InputSize } from '../runs/expect-outputs.js';
import { openJournal, type Journal, type JournalOptions } from '../runs/journal.js';
import { chooseLimits, defaultMemoryBytes, needOf } from '../runs/limits.js';
import { RunPlanner } from '../runs/planner.js';
import { checkInputs } from '../runs/preflight.js';
import { standardStream, type RunRequest } from '../runs/request.js';
import { executeRun, type RunHooks } from '../runs/run.js';
import { verifyOutputs } from '../runs/verify-outputs.js';
import { parseByteSize } from '../config/byte-size.js';
import type { Settings } from '../config/schemas.js';
import { fileFailed, type HeadpoolError } from '../core/errors.js';
import { createEngine, type Engine } from '../engine/engine.js';
import type { MultiHeadAttention } from '../engine/multi-head-attention.js';
import { refuseOverDisk } from '../files/disk-room.js';
import { writeText } from '../files/write-text.js';
import { formatCount } from '../page/figures.js';
import { toOneLine } from '../page/table.js';
import { checkAlignment } from './check-alignment.js';
import { engineOptionsOf } from './command.js';
import { someFailed } from './exit-codes.js';
import { startProgress } from './progress.js';
import type { RunReport } from './outputs/run-output.js';
import { reportOf } from './run-report.js';
import { formatSummary } from './run-summary.js';
import { Stopped } from './stop-signals.js';
import { print, printNote, toJsonLine } from './terminal.js';

const mostFailures = 20;

/** What to compute with. */
export type EngineSettings = Pick<Settings<'run'>, 'device' | 'kernel' | 'threads' | 'isa'>;

export function startEngine(settings: EngineSettings): Promise<Engine> {
  // Workers are told which set was chosen here.
  if (settings.isa !== undefined) process.env['HEADPOOL_ISA'] = settings.isa;
  const starting = createEngine(engineOptionsOf(settings));
  // It is awaited once there is something to compute; until then a failure must not end the process.
  starting.catch(() => undefined);
  return starting;
}

/** The layer of a checkpoint, ready to compute. */
export function attentionOf(
  engine: Engine,
  { heads, kvHeads, weights }: LoadedLayer,
): Promise<MultiHeadAttention> {
  return engine.multiHeadAttention({ heads, kvHeads, weights });
}

export function planOf(
  request: RunRequest,
  { heads, kvHeads }: LayerHeads,
  { memory, batchTokens }: Pick<Settings<'run'>, 'memory' | 'batchTokens'>,
) {
  const planner = new RunPlanner(request, heads, kvHeads);
  const need = needOf(request, planner);
  const memoryBytes = memory === undefined ? defaultMemoryBytes() : parseByteSize(memory);
  return { planner, need, limits: chooseLimits(need, memoryBytes, batchTokens) };
}

/** What would fail in its midst. @throws as `checkInputs` */
export function checkRun(
  request: RunRequest,
  { limits }: Pick<Plan, 'limits'>,
): Promise<ReadonlyMap<number, InputSize>> {
  return checkInputs(request, {
    limits,
    checkLengths: (queries, keys) => {
      checkAlignment(request.options, queries, keys);
    },
  });
}

export function choiceOf({ resume, restart, takeOver }: Settings<'run'>): Omit<JournalOptions, 'identity'> {
  const earlier = resume === 'mixed' ? 'mixed' : resume ? 'resume' : restart ? 'restart' : 'refuse';
  return { earlier, isTakingOver: takeOver };
}

export async function publish(report: RunReport, { report: path, output }: Settings<'run'>, isJson: boolean) {
  if (path !== undefined) {
    await writeText(path, `${JSON.stringify(report, null, 2)}\n`);
  }
  const text = isJson ? toJsonLine(report) : formatSummary(report);
  // Where the data go to standard output, the summary doesn't.
  if (output === standardStream) printNote(text);
  else print(text);
  for (const { message } of report.failures.slice(0, mostFailures))
    printNote(toOneLine(`skipped: ${message}`));
  if (report.failures.length > 0) process.exitCode = someFailed;
}

export type Plan = ReturnType<typeof planOf> & {
  readonly sizes: ReadonlyMap<number, InputSize>;
  readonly layer: MultiHeadAttention;
  readonly options: JournalOptions;
  readonly engine: Engine;
  readonly signal: AbortSignal;
  /** Told of each chunk, beside what is shown. */
  readonly onProgress?: RunHooks['onProgress'];
};

export async function compute(
  request: RunRequest,
  settings: Settings<'run'>,
  { limits, sizes, layer, options, engine, signal, onProgress }: Plan,
): Promise<RunReport> {
  const { verifyOutput } = settings;
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
      standardInput: request.inputs.some(({ path }) => path === standardStream)
        ? openStandardInput()
        : undefined,
      standardOutput: process.stdout,
    };
    await withProgress({ engine, journal, inputs: identity.inputs, onProgress }, (hooks) =>
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

function noteRetry(error: HeadpoolError): void {
  printNote(`headpool: ${error.message}; it is computed again`);
}

/** @throws FILE_FAILED if it is a folder, which to Node.js is an input that has ended */
function openStandardInput(): NodeJS.ReadStream {
  if (fstatSync(process.stdin.fd).isDirectory()) {
    throw fileFailed('standard input', 'read', new Error('it is a folder'));
  }
  return process.stdin;
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
  readonly onProgress: RunHooks['onProgress'] | undefined;
}

async function withProgress(
  { engine, journal, inputs, onProgress }: Watched,
  work: (hooks: RunHooks) => Promise<void>,
): Promise<void> {
  const isDone = (input: number): boolean => journal.state.placeOf(input) === undefined;
  const flop = (): number => engine.stats().flop;
  const progress = startProgress({ inputs, isDone, flop }, process.stderr);
  try {
    await work({
      onProgress: (done) => {
        progress.add(done);
        onProgress?.(done);
      },
      onRetry: noteRetry,
    });
  } finally {
    progress.end();
  }
}
