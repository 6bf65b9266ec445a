// The command as its users start it, in a process of its own, with what `observer.ts` tells of it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface StartedCommand {
  readonly child: ChildProcess;
  readonly stdout: Readable;
  /** The lines of `observer.ts`. */
  readonly told: Readable;
  /** When it was about to be started, by `performance.now()`. */
  readonly startMs: number;
}

/** Its stderr is ours. */
export function startCommand(args: readonly string[]): StartedCommand {
  const observer = fileURLToPath(new URL('observer.js', import.meta.url));
  const command = fileURLToPath(new URL('../../command/headpool.js', import.meta.url));
  const startMs = performance.now();
  const child = spawn(process.execPath, ['--import', observer, command, ...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  return { child, stdout: child.stdout as Readable, told: child.stdio[3] as Readable, startMs };
}

export interface CommandResult {
  readonly stdout: string;
  /** From before the process to after it. */
  readonly wallMs: number;
  /** The most memory that was resident in it. */
  readonly peakBytes: number;
}

/** @throws Error if the exit code isn't 0 */
export async function runCommand(args: readonly string[]): Promise<CommandResult> {
  const { child, stdout, told, startMs } = startCommand(args);
  const [printed, lines] = await Promise.all([text(stdout), text(told), once(child, 'close')]);
  if (child.exitCode !== 0) throw commandFailed(args, child);
  const peakBytes = Number(lines.trimEnd().split('\n').at(-1));
  return { stdout: printed, wallMs: performance.now() - startMs, peakBytes };
}

export function commandFailed(args: readonly string[], { exitCode, signalCode }: ChildProcess): Error {
  return new Error(
    `\`headpool ${args.join(' ')}\` ended with ${signalCode ?? `exit code ${exitCode ?? '?'}`}`,
  );
}
