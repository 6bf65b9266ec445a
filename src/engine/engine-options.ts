// The options of an engine: names, defaults, checks, and the choice of a kernel among those that can run.
import { availableParallelism, totalmem } from 'node:os';
import { expected, HeadpoolError } from '../core/errors.js';
import { checkNames, didYouMean } from '../core/suggest.js';
import {
  kernelNames,
  type KernelName,
  type KernelProbe,
  type KernelTraits,
} from '../core/protocol/kernels.js';

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
  /** Worker threads, 1 … 1,024; default `os.availableParallelism()`. */
  readonly threads?: number;
  /** 'auto' takes the best kernel that can run; a named one that can't run is an error. Default 'auto'. */
  readonly kernel?: 'auto' | KernelName;
  /** Where to compute; default 'cpu'. */
  readonly device?: 'cpu';
  /** Working memory, packed weights and results of one call, in bytes; default three quarters of the machine's. */
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
  /** Ends and replaces a worker whose unit takes longer, in milliseconds; units usually take about one. Default: none does. */
  readonly unitTimeoutMs?: number;
  /** Told when a worker is lost. Default: nobody; the library prints nothing by itself. */
  readonly logger?: Logger;
}

const fullChoices = ['error', 'wait'] as const;
export type WhenFull = (typeof fullChoices)[number];

export type ResolvedEngineOptions = Required<
  Omit<EngineOptions, 'logger' | 'device' | 'unitTimeoutMs' | 'batching'>
> &
  Pick<EngineOptions, 'logger' | 'unitTimeoutMs'> & { readonly batching: Batching };

const mostThreads = 1024;
// Longer ones overflow in Node.
const longestTimerMs = 2 ** 31 - 1;
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
];
const kernelChoices = ['auto', ...kernelNames] as const satisfies readonly EngineOptions['kernel'][];

/** @throws UNKNOWN_OPTION, INVALID_OPTION */
export function resolveEngineOptions(options: EngineOptions): ResolvedEngineOptions {
  for (const name of Object.keys(options)) {
    if (!optionNames.includes(name)) {
      throw new HeadpoolError('UNKNOWN_OPTION', `Unknown option \`${name}\`${didYouMean(name, optionNames)}`);
    }
  }
  const {
    threads = availableParallelism(),
    kernel = 'auto',
    device = 'cpu',
    memoryLimitBytes = defaultMemoryLimit(),
    maxQueue = 1024,
    maxQueueBytes = memoryLimitBytes,
    whenFull = 'error',
    batching,
    unitTimeoutMs,
    logger,
  } = options;
  checkInteger('threads', threads, mostThreads);
  checkInteger('memoryLimitBytes', memoryLimitBytes, Number.MAX_SAFE_INTEGER);
  checkInteger('maxQueue', maxQueue, Number.MAX_SAFE_INTEGER);
  checkInteger('maxQueueBytes', maxQueueBytes, Number.MAX_SAFE_INTEGER);
  if (!fullChoices.includes(whenFull)) {
    throw expected('INVALID_OPTION', "'error' or 'wait'", 'whenFull', whenFull);
  }
  if (unitTimeoutMs !== undefined) checkInteger('unitTimeoutMs', unitTimeoutMs, longestTimerMs);
  if (!kernelChoices.includes(kernel)) {
    throw expected('INVALID_OPTION', `one of ${kernelChoices.join(', ')}`, 'kernel', kernel);
  }
  if ((device as string) !== 'cpu') throw expected('INVALID_OPTION', "'cpu'", 'device', device);
  const limits = { memoryLimitBytes, maxQueue, maxQueueBytes, whenFull };
  return {
    threads,
    kernel,
    ...limits,
    batching: resolveBatching(batching),
    ...(unitTimeoutMs !== undefined && { unitTimeoutMs }),
    ...(logger !== undefined && { logger }),
  };
}

function resolveBatching(batching: Partial<Batching> = {}): Batching {
  if (typeof batching !== 'object' || (batching as unknown) === null) {
    throw expected('INVALID_OPTION', 'an object { maxTokens, maxDelayMs }', 'batching', batching);
  }
  checkNames('option', batching, ['maxTokens', 'maxDelayMs']);
  const { maxTokens = 512, maxDelayMs = 2 } = batching;
  checkInteger('batching.maxTokens', maxTokens, Number.MAX_SAFE_INTEGER, 0);
  checkInteger('batching.maxDelayMs', maxDelayMs, longestTimerMs, 0);
  return { maxTokens, maxDelayMs };
}

/** The kernel asked for, or the best one for 'auto'. @throws KERNEL_UNAVAILABLE with the reason */
export function chooseKernel(
  kernel: ResolvedEngineOptions['kernel'],
  probes: readonly KernelProbe[],
): { readonly name: KernelName; readonly traits: KernelTraits } {
  const candidates = kernel === 'auto' ? probes : probes.filter(({ name }) => name === kernel);
  const reasons: string[] = [];
  for (const probe of candidates) {
    if (probe.available) return probe;
    reasons.push(`${probe.name}: ${probe.reason}`);
  }
  throw new HeadpoolError('KERNEL_UNAVAILABLE', `No kernel can run here (${reasons.join('; ')})`);
}

function checkInteger(name: string, value: unknown, most: number, least = 1): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw expected('INVALID_OPTION', `an integer from ${least} to ${most}`, name, value);
}

function defaultMemoryLimit(): number {
  // 0 or a huge number where no limit is set, as in a container without one.
  const constrained = process.constrainedMemory();
  const machine = totalmem();
  return Math.floor(0.75 * (constrained > 0 ? Math.min(constrained, machine) : machine));
}
