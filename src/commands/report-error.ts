// What a failed command says on standard error, as text or as JSON, and its exit code.
import { inspect } from 'node:util';
import { HeadpoolError, type ErrorCode } from '../core/errors.js';
import { systemCodeOf } from '../files/attempt.js';
import { toOneLine } from '../page/table.js';
import type { errorOutput } from './outputs/error-output.js';
import type { Output } from './outputs/output.js';
import { HandedBack } from './shards/handed-back.js';
import { Stopped } from './stop-signals.js';
import { printFailure, printNote, toJsonLine } from './terminal.js';

const exitCodes = { failed: 1, usage: 2, brokenPipe: 141 } as const;

// What the caller got wrong before any work; everything else is a failure.
const usageErrors: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'INVALID_OPTION',
  'UNKNOWN_OPTION',
  'INVALID_CONFIG',
  'KERNEL_UNAVAILABLE',
  'DEVICE_UNAVAILABLE',
]);

/** Sets the exit code too. */
export function reportError(error: unknown, isJson: boolean): void {
  if (isBrokenPipe(error)) {
    process.exitCode = exitCodes.brokenPipe;
    return;
  }
  const failure = describeFailure(error);
  process.exitCode = failure.exitCode;
  if (isJson) printNote(toJsonLine(failure));
  // Not an error that we raise on purpose: the stack is what helps.
  else if (failure.stack !== undefined) printNote(failure.stack);
  // What is wrong in a configuration is shown with the lines around it.
  else printFailure(failure.code === 'INVALID_CONFIG' ? failure.message : toOneLine(failure.message));
}

function describeFailure(error: unknown): Output<typeof errorOutput> {
  const format = 1;
  if (error instanceof Stopped) {
    return { format, code: 'STOPPED', message: error.message, exitCode: error.exitCode };
  }
  if (error instanceof HandedBack) {
    return { format, code: 'HANDED_BACK', message: error.message, exitCode: error.exitCode };
  }
  if (error instanceof HeadpoolError) {
    const { code, message } = error;
    return { format, code, message, exitCode: usageErrors.has(code) ? exitCodes.usage : exitCodes.failed };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { format, code: 'INTERNAL', message, exitCode: exitCodes.failed, stack: inspect(error) };
}

/** Whoever reads our data may stop, as `head` does: no failure to talk about, but not all was delivered. */
function isBrokenPipe(error: unknown): boolean {
  return error instanceof HeadpoolError && systemCodeOf(error) === 'EPIPE';
}
