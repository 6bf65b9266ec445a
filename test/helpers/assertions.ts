// Assertions that several test files share: equal bytes, and the error of a refused call.
import type { ExecutionContext } from 'ava';
import { HeadpoolError, type ErrorCode } from '../../src/index.js';

/** The same numbers bit by bit; NaN equals NaN, 0 differs from -0. */
export function assertSameBytes(
  t: ExecutionContext,
  actual: Float32Array,
  wanted: Float32Array,
  what = 'output',
): void {
  t.is(actual.length, wanted.length, what);
  const [a, b] = [bitsOf(actual), bitsOf(wanted)];
  const at = a.findIndex((bits, n) => bits !== b[n]);
  t.is(at, -1, at < 0 ? what : `${what}: element ${at} is ${actual[at]!} instead of ${wanted[at]!}`);
}

function bitsOf({ buffer, byteOffset, length }: Float32Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length);
}

/** What is asked of the error of a refused call. */
export interface Refusal {
  readonly code: ErrorCode;
  /** All of the message. */
  readonly message?: string;
  /** What the message begins with. */
  readonly path?: string;
  /** Parts of the message. */
  readonly what?: string | readonly string[];
}

/** That `action` fails with an error of ours, of the code and the message that are asked for. */
export async function assertRefused(
  t: ExecutionContext,
  action: () => unknown,
  { code, message, path = '', what = [] }: Refusal,
): Promise<void> {
  const error = await t.throwsAsync(Promise.resolve().then(action), { instanceOf: HeadpoolError });
  t.is(error.code, code, error.message);
  if (message !== undefined) t.is(error.message, message);
  t.true(error.message.startsWith(path), `${error.message}\n should begin with ${path}`);
  for (const part of [what].flat())
    t.true(error.message.includes(part), `${error.message}\n should say ${part}`);
}

/** The code of the error that `action` throws, if it does. */
export function codeOf(action: () => unknown): ErrorCode | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof HeadpoolError) return error.code;
    throw error;
  }
}

/** Code and message of the error with which `action` is refused. */
export async function messageOf(
  action: () => unknown,
): Promise<Readonly<Record<'code' | 'message', string>> | undefined> {
  try {
    await action();
    return undefined;
  } catch (error) {
    if (error instanceof HeadpoolError) return { code: error.code, message: error.message };
    throw error;
  }
}
