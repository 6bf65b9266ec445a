// What of the machine this process may use: the one place that says how many threads can run at once and how much
// memory there is, for whoever has a default that follows from it.
import { availableParallelism, totalmem } from 'node:os';
import { readCgroupLimits, type CgroupLimit, type CgroupLimits } from './cgroup-limits.js';

export interface MachineLimits {
  /** Threads that can run at the same time, at least 1. */
  readonly threads: number;
  readonly memoryBytes: number;
  /** What of this a container says, where one does. */
  readonly container: { readonly processors?: CgroupLimit; readonly memoryBytes?: CgroupLimit };
}

/** What Node.js tells; older versions of it don't look at quotas. */
export interface SystemLimits {
  readonly parallelism: number;
  readonly memoryBytes: number;
}

/** Reads what holds now: the limits of a running container may change. @param root as in `readCgroupLimits` */
export function readMachineLimits(root?: string): MachineLimits {
  return combineLimits(readSystemLimits(), readCgroupLimits(root));
}

function readSystemLimits(): SystemLimits {
  // 0 or a huge number where no limit is set.
  const constrained = process.constrainedMemory();
  return {
    parallelism: availableParallelism(),
    memoryBytes: constrained > 0 ? Math.min(constrained, totalmem()) : totalmem(),
  };
}

/** The less of both. */
export function combineLimits(
  system: SystemLimits,
  { processors, memoryBytes }: CgroupLimits,
): MachineLimits {
  const quota = processors && wholeThreads(processors.value);
  return {
    threads: Math.min(system.parallelism, quota ?? Infinity),
    memoryBytes: Math.min(system.memoryBytes, memoryBytes?.value ?? Infinity),
    container: {
      ...(processors && quota! <= system.parallelism && { processors }),
      ...(memoryBytes && memoryBytes.value <= system.memoryBytes && { memoryBytes }),
    },
  };
}

/**
 * Down, as libuv and Rust round a quota: newer versions of Node.js do so by themselves. The JVM and Go round up, but a
 * thread more than the quota pays for would be stopped in the middle of calls, and others wait for the units it holds.
 */
function wholeThreads(processors: number): number {
  return Math.max(1, Math.floor(processors));
}
