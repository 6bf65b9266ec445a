// The options of an engine: names, defaults, checks, and the choice of a kernel among those that can run.
import { expected, HeadpoolError } from '../core/errors.js';
import { readMachineLimits } from '../core/machine/machine-limits.js';
import { readObject } from '../core/read-object.js';
import {
  kernelNames,
  type KernelName,
  type KernelProbe,
  type KernelTraits,
} from '../core/protocol/kernels.js';

/** Where an engine says what happened beside its calls; pino's loggers fit. */
export interface Logger {
  warn(message: string): void;
}

export interface EngineOptions {
  /** Worker threads, 1 … 1,024; default as many as can run at once here, in a container what its CPU quota pays for. */
  readonly threads?: number;
  /** 'auto' takes the best kernel that can run; a named one that can't run is an error. Default 'auto'. */
  readonly kernel?: 'auto' | KernelName;
  /** Where to compute; default 'cpu'. */
  readonly device?: 'cpu';
  /** Working memory, packed weights and results of one call, in bytes; default three quarters of what the process may use. */
  readonly memoryLimitBytes?: number;
  /** Calls that may be open at the same time; default 1,024. */
  readonly maxQueue?: number;
  /** Told when a worker is lost; what it throws changes nothing. Default: nobody, the library prints nothing. */
  readonly logger?: Logger;
}

export type ResolvedEngineOptions = Required<Omit<EngineOptions, 'logger' | 'device'>> &
  Pick<EngineOptions, 'logger'>;

const mostThreads = 1024;
const optionNames = ['threads', 'kernel', 'device', 'memoryLimitBytes', 'maxQueue', 'logger'];
const kernelChoices = ['auto', ...kernelNames] as const satisfies readonly EngineOptions['kernel'][];

/**
 * The options of an engine, checked and with their defaults.
 * @param machine what defaults follow from
 * @throws UNKNOWN_OPTION, INVALID_OPTION
 */
export function resolveEngineOptions(
  options: EngineOptions,
  machine = readMachineLimits(),
): ResolvedEngineOptions {
  const {
    threads = Math.min(machine.threads, mostThreads),
    kernel = 'auto',
    device = 'cpu',
    memoryLimitBytes = Math.floor(0.75 * machine.memoryBytes),
    maxQueue = 1024,
    logger,
  } = readObject(options, { name: 'options', kind: 'option', fields: optionNames });
  checkInteger('threads', threads, mostThreads);
  checkInteger('memoryLimitBytes', memoryLimitBytes, Number.MAX_SAFE_INTEGER);
  checkInteger('maxQueue', maxQueue, Number.MAX_SAFE_INTEGER);
  if (!kernelChoices.includes(kernel)) {
    throw expected('INVALID_OPTION', `one of ${kernelChoices.join(', ')}`, 'kernel', kernel);
  }
  if ((device as string) !== 'cpu') throw expected('INVALID_OPTION', "'cpu'", 'device', device);
  const resolved = { threads, kernel, memoryLimitBytes, maxQueue };
  return logger === undefined ? resolved : { ...resolved, logger: silenceErrors(checkLogger(logger)) };
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

function checkInteger(name: string, value: unknown, most: number): void {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return;
  throw expected('INVALID_OPTION', `an integer from 1 to ${most}`, name, value);
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
