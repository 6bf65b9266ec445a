// One shard in a process of its own, as schedulers start it, by the command that is running now; and how long it took.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { formatShard } from '../../cluster/shard.js';
import { errorCodes, HeadpoolError, type ErrorCode } from '../../core/errors.js';
import { someFailed } from '../exit-codes.js';
import type { errorOutput } from '../outputs/error-output.js';
import type { Output } from '../outputs/output.js';
import type { RunReport } from '../outputs/run-output.js';
import type { Sample } from './sample.js';

export interface ShardTime {
  /** From before the process to after it. */
  readonly wallMs: number;
  /** Of it from the first to the last chunk, as the run itself tells. */
  readonly computeMs: number;
}

export interface ShardProcess {
  /** Of the process. */
  readonly threads: number;
  /** Instead of the one that the run asks for. */
  readonly kernel: string | undefined;
  /** Ends the process at once. */
  readonly signal: AbortSignal;
}

/** @param number of the shard, from 1 @throws what the process fails by; the signal's reason */
export async function timeShard(
  sample: Sample,
  number: number,
  { threads, kernel, signal }: ShardProcess,
): Promise<ShardTime> {
  const { configPath, folder, place, cut } = sample;
  const shard = formatShard({ number, count: cut.shards });
  const report = join(folder, `report-${number}.json`);
  // Flags win over the file and over the environment: nothing of the run itself is written, and nothing is gone on with.
  const args = [
    ...['run', '--config', configPath, '--output', place.output, '--report', report],
    ...['--shard', shard, '--shards', String(cut.shards), '--threads', String(threads)],
    ...['--restart=true', '--resume=false', '--dry-run=false', '--take-over=false', '--json'],
    ...(kernel === undefined ? [] : ['--kernel', kernel]),
  ];
  const startMs = performance.now();
  const { code, stderr } = await runSelf(args, signal);
  const wallMs = performance.now() - startMs;
  if (code !== 0 && code !== someFailed) throw failureOf(shard, code, stderr);
  const { elapsedMs } = JSON.parse(await readFile(report, 'utf8')) as RunReport;
  return { wallMs, computeMs: elapsedMs };
}

async function runSelf(
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly code: number | null; readonly stderr: string }> {
  signal.throwIfAborted();
  const child = spawn(process.execPath, [process.argv[1]!, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const end = (): void => {
    child.kill('SIGKILL');
  };
  signal.addEventListener('abort', end);
  try {
    const [stderr] = await Promise.all([text(child.stderr), once(child, 'close')]);
    signal.throwIfAborted();
    return { code: child.exitCode, stderr };
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** What the process itself said, as the last of its lines. */
function failureOf(shard: string, code: number | null, stderr: string): Error {
  const said = stderr.trimEnd();
  const line = said.split('\n').at(-1)!;
  if (!line.startsWith('{')) return new Error(`Shard ${shard} ended with exit code ${code ?? '?'}: ${said}`);
  const failure = JSON.parse(line) as Output<typeof errorOutput>;
  const message = `Shard ${shard}: ${failure.message}`;
  const isKnown = Object.hasOwn(errorCodes, failure.code);
  return isKnown ? new HeadpoolError(failure.code as ErrorCode, message) : new Error(message);
}
