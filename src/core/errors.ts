// The one error class of headpool, its codes, and the one shape of a message about a wrong value.

/** What each `HeadpoolError.code` means. */
export const errorCodes = {
  INVALID_OPTION: 'an option or argument has the wrong type, range or combination',
  UNKNOWN_OPTION: 'an option of that name does not exist',
  INVALID_SHAPE: 'a tensor has the wrong shape, length or storage',
  INVALID_WEIGHTS: 'the weights of a layer are incomplete or contradict each other',
  INVALID_CONFIG: 'a configuration file is unreadable or has a wrong field',
  INVALID_FILE: 'a file is damaged or not of the format it claims',
  OUTPUT_IN_USE: 'another run is writing this output',
  FILE_FAILED: 'the operating system refused to open, read, write or rename a file',
  KERNEL_UNAVAILABLE: 'the kernel asked for cannot run on this machine',
  DEVICE_UNAVAILABLE:
    'the GPU asked for cannot be used: none is there, or a package or driver for it is missing',
  DEVICE_LOST: 'the GPU was lost while it was computing this call',
  WORKER_START: 'the worker threads could not be started',
  WORKER_LOST: 'a worker thread ended while it was computing this call',
  UNIT_FAILED: 'a worker thread threw while it computed a unit of this call',
  MEMORY_LIMIT: 'the work would need more memory than allowed',
  QUEUE_FULL:
    'too many calls are open, or they hold too much memory for one more; a later call may find room',
  QUEUE_UNAVAILABLE: 'the server of a job queue could not be reached, or refused us',
  TIMEOUT: 'a call was not done within its time (timeoutMs)',
  BUFFER_IN_USE: 'a buffer is being written by another open call',
  CACHE_FULL: 'a cache has no room for the new tokens',
  CACHE_IN_USE: 'a cache is being used by another open call',
  ENGINE_CLOSED: 'the engine, layer or cache was closed before the call, or the engine during it',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** The HTTP status with which a server answers each `HeadpoolError.code`. */
export const httpStatuses = {
  INVALID_OPTION: 400,
  UNKNOWN_OPTION: 400,
  INVALID_SHAPE: 400,
  INVALID_WEIGHTS: 500,
  INVALID_CONFIG: 500,
  INVALID_FILE: 400,
  OUTPUT_IN_USE: 409,
  FILE_FAILED: 500,
  KERNEL_UNAVAILABLE: 500,
  DEVICE_UNAVAILABLE: 500,
  DEVICE_LOST: 503,
  WORKER_START: 503,
  WORKER_LOST: 503,
  UNIT_FAILED: 500,
  MEMORY_LIMIT: 413,
  QUEUE_FULL: 503,
  QUEUE_UNAVAILABLE: 503,
  TIMEOUT: 504,
  BUFFER_IN_USE: 409,
  CACHE_FULL: 409,
  CACHE_IN_USE: 409,
  ENGINE_CLOSED: 503,
} as const satisfies Readonly<Record<ErrorCode, number>>;

/** Every error that headpool raises on purpose. `cause` keeps what led to it. */
export class HeadpoolError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HeadpoolError';
    this.code = code;
  }
}

/** "Expected <what> for `name`, got `value` (<type>)": the message of every rejected value. */
export function expected(code: ErrorCode, what: string, name: string, value: unknown): HeadpoolError {
  return new HeadpoolError(code, `Expected ${what} for \`${name}\`, got ${describe(value)}`);
}

/** The error of a file, with the path in front: "<path>: expected <what> for `name`, got …". */
export function invalidFile(path: string, what: string, name: string, value: unknown): HeadpoolError {
  return new HeadpoolError(
    'INVALID_FILE',
    `${path}: expected ${what} for \`${name}\`, got ${describe(value)}`,
  );
}

/** The error of a failed file operation, keeping the system's own as cause. */
export function fileFailed(path: string, action: string, cause: unknown): HeadpoolError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HeadpoolError('FILE_FAILED', `${path}: could not ${action}: ${reason}`, { cause });
}

/** A value and its type, short enough for one line of a message; never throws, whatever the value is made of. */
export function describe(value: unknown): string {
  try {
    return describeReadable(value);
  } catch {
    return "a value that can't be read"; // A getter or a proxy threw.
  }
}

function describeReadable(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return '`null`';
  if (typeof value === 'string')
    return `\`${shorten(JSON.stringify(value.slice(0, shownLength + 1)))}\` (string)`;
  if (typeof value === 'bigint') return `\`${value}n\` (bigint)`;
  if (typeof value === 'number' || typeof value === 'boolean') return `\`${value}\` (${typeof value})`;
  if (Array.isArray(value)) return describeList(value);
  if (ArrayBuffer.isView(value) && 'length' in value) {
    return `a ${value.constructor.name} of ${String(value.length)}`;
  }
  if (typeof value !== 'object') return `a ${typeof value}`;
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null) return 'an object without prototype';
  const { constructor } = prototype as { readonly constructor: unknown };
  return `an object (${typeof constructor === 'function' ? constructor.name : 'of no class'})`;
}

function describeList(list: readonly unknown[]): string {
  try {
    // As many as could be shown: a list may have millions.
    return `\`${shorten(JSON.stringify(list.slice(0, shownLength + 1)))}\` (array)`;
  } catch {
    return `an array of ${list.length}`; // Circles and bigints have no JSON.
  }
}

const shownLength = 80;

function shorten(text: string): string {
  return text.length <= shownLength ? text : `${text.slice(0, shownLength - 3)}…`;
}
