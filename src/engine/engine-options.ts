// The options of an engine: names, defaults, checks, and the choice of a kernel among those that can run.
import { longestTimerMs } from '../attention/option-kinds.js';
import { expected, HeadpoolError } from '../core/errors.js';
import { readMachineLimits } from '../core/machine/machine-limits.js';
import { readObject } from '../core/read-object.js';
import {
  devices,
  kernelsOf,
  type Device,
  type KernelName,
  type KernelProbe,
  type KernelTraits,
} from '../core/protocol/kernels.js';
import { resolveWorkerUrl } from './worker-url.js';

/** How short calls of a layer are computed together while earlier ones are under way. */
export interface Batching {
  /** Tokens of a pass over several calls; one of more than a quarter of them is computed alone. 0 = all are. */
  readonly maxTokens: number;
  /** How long a call waits for earlier passes at most. */
  readonly maxDelayMs: number;
}

/** Where an engine says what happened beside its calls; pino's loggers fit. */
export interface Logger {
  warn(message: string): void;
}

export interface EngineOptions {
  /**
   * Worker threads, 1 … 1,024; default as many as can run at once here, in a container what its CPU quota pays for.
   * A GPU is one worker's.
   */
  readonly threads?: number;
  /**
   * 'auto' takes the best kernel of the device that can run; a named one that can't run is an error, and so is one of the
   * other device. Default 'auto'.
   */
  readonly kernel?: 'auto' | KernelName;
  /** Where to compute; default 'cpu'. Nothing that a GPU can't do is done by the CPU in its place. */
  readonly device?: Device;
  /** Working memory, packed weights and results of one call, in bytes; default three quarters of what the process may use. */
  readonly memoryLimitBytes?: number;
  /** Calls that may be open at the same time; default 1,024. */
  readonly maxQueue?: number;
  /**
   * Bytes of working memory and results that open calls may hold together; default `memoryLimitBytes`. A call that
   * needs more computes alone.
   */
  readonly maxQueueBytes?: number;
  /** What becomes of a call that finds no room: it is refused with QUEUE_FULL, or waits. Default 'error'. */
  readonly whenFull?: WhenFull;
  /** Default { maxTokens: 512, maxDelayMs: 2 }. */
  readonly batching?: Partial<Batching>;
  /**
   * Ends and replaces a worker whose unit takes longer, in milliseconds; units usually take about one. On a GPU, one that has
   * calls and finishes none for so long. Default: none does.
   */
  readonly unitTimeoutMs?: number;
  /** Told when a worker is lost; what it throws changes nothing. Default: nobody, the library prints nothing. */
  readonly logger?: Logger;
  /**
   * Where headpool's dist/workers/worker.js is: a URL of a file or an absolute path. Only a bundle needs it, which lies
   * elsewhere than the package (docs/bundling.md). Default: where the package has it.
   */
  readonly workerUrl?: string | URL;
}

const fullChoices = ['error', 'wait'] as const;
/** What becomes of a call that finds no room. @useDeclaredType */
export type WhenFull = (typeof fullChoices)[number];

export type ResolvedEngineOptions = Required<
  Omit<EngineOptions, 'logger' | 'unitTimeoutMs' | 'batching' | 'workerUrl'>
> &
  Pick<EngineOptions, 'logger' | 'unitTimeoutMs'> & { readonly batching: Batching; readonly workerUrl: URL };

const mostThreads = 1024;
const optionNames = [
  'threads',
  'kernel',
  'device',
  'memoryLimitBytes',
  'maxQueue',
  'maxQueueBytes',
  'whenFull',
  'batching',
  'unitTimeoutMs',
  'logger',
  'workerUrl',
];

/**
 * The options of an engine, checked and with their defaults.
 * @param machine what defaults follow from
 * @throws UNKNOWN_OPTION, INVALID_OPTION, WORKER_START where there is no worker
 */
export function resolveEngineOptions(
  options: EngineOptions,
  machine = readMachineLimits(),
): ResolvedEngineOptions {
  const {
    device = 'cpu',
    threads = device === 'gpu' ? 1 : Math.min(machine.threads, mostThreads),
    kernel = 'auto',
    memoryLimitBytes = Math.floor(0.75 * machine.memoryBytes),
    maxQueue = 1024,
    maxQueueBytes = memoryLimitBytes,
    whenFull = 'error',
    batching,
    unitTimeoutMs,
    logger,
    workerUrl,
  } = readObject(options, { name: 'options', kind: 'option', fields: optionNames });
  checkInteger('threads', threads, mostThreads);
  checkInteger('memoryLimitBytes', memoryLimitBytes, Number.MAX_SAFE_INTEGER);
  checkInteger('maxQueue', maxQueue, Number.MAX_SAFE_INTEGER);
  checkInteger('maxQueueBytes', maxQueueBytes, Number.MAX_SAFE_INTEGER);
  if (!fullChoices.includes(whenFull)) {
    throw expected('INVALID_OPTION', "'error' or 'wait'", 'whenFull', whenFull);
  }
  if (unitTimeoutMs !== undefined) checkInteger('unitTimeoutMs', unitTimeoutMs, longestTimerMs);
  if (!devices.includes(device)) throw expected('INVALID_OPTION', "'cpu' or 'gpu'", 'device', device);
  const kernels: readonly string[] = ['auto', ...kernelsOf[device]];
  if (!kernels.includes(kernel)) {
    const ofDevice = device === 'cpu' ? '' : ' beside device gpu';
    throw expected('INVALID_OPTION', `one of ${kernels.join(', ')}${ofDevice}`, 'kernel', kernel);
  }
  if (device === 'gpu' && threads !== 1) {
    throw expected('INVALID_OPTION', 'no number of threads beside device gpu, or 1', 'threads', threads);
  }
  const limits = { memoryLimitBytes, maxQueue, maxQueueBytes, whenFull };
  return {
    threads,
    device,
    kernel,
    ...limits,
    batching: resolveBatching(batching),
    workerUrl: resolveWorkerUrl(workerUrl),
    ...(unitTimeoutMs !== undefined && { unitTimeoutMs }),
    ...(logger !== undefined && { logger: silenceErrors(checkLogger(logger)) }),
  };
}

function resolveBatching(given: Partial<Batching> = {}): Batching {
  const fields = ['maxTokens', 'maxDelayMs'];
  const { maxTokens = 512, maxDelayMs = 2 } = readObject(given, {
    name: 'batching',
    kind: 'field of `batching`',
    fields,
  });
  checkInteger('batching.maxTokens', maxTokens, Number.MAX_SAFE_INTEGER, 0);
  checkInteger('batching.maxDelayMs', maxDelayMs, longestTimerMs, 0);
  return { maxTokens, maxDelayMs };
}

/** The kernel asked for, or the best one for 'auto'. @throws KERNEL_UNAVAILABLE, DEVICE_UNAVAILABLE with the reason */
export function chooseKernel(
  { kernel, device }: Pick<ResolvedEngineOptions, 'kernel' | 'device'>,
  probes: readonly KernelProbe[],
): { readonly name: KernelName; readonly traits: KernelTraits } {
  const candidates = kernel === 'auto' ? probes : probes.filter(({ name }) => name === kernel);
  const reasons: string[] = [];
  for (const probe of candidates) {
    if (probe.available) return probe;
    if (probe.isDemand) throw new HeadpoolError('KERNEL_UNAVAILABLE', probe.reason);
    reasons.push(`${probe.name}: ${probe.reason}`);
  }
  // What is wrong with a device is the same for all its kernels.
  const [probe] = candidates;
  if (device === 'gpu' && probe?.available === false)
    throw new HeadpoolError('DEVICE_UNAVAILABLE', probe.reason);
  throw new HeadpoolError('KERNEL_UNAVAILABLE', `No kernel can run here (${reasons.join('; ')})`);
}

function checkInteger(name: string, value: unknown, most: number, least = 1): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw expected('INVALID_OPTION', `an integer from ${least} to ${most}`, name, value);
}

function checkLogger(logger: unknown): Logger {
  const { warn } = (logger ?? {}) as { readonly warn?: unknown };
  if (typeof warn === 'function') return logger as Logger;
  throw expected('INVALID_OPTION', 'an object with a method `warn`', 'logger', logger);
}

/**
 * Whatever a logger does, nothing that waits for the engine may notice: neither a throw nor a promise that rejects, which
 * would end the process. The method is looked up each time, as loggers replace it when their level changes.
 */
function silenceErrors(logger: { warn(message: string): unknown }): Logger {
  return {
    warn: (message) => {
      new Promise((resolve) => {
        resolve(logger.warn(message));
      }).catch(() => undefined);
    },
  };
}
