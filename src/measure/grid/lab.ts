// What a grid is measured with: engines, the cases on them, the clock. Tests measure with other ones.
import { createEngine, type Engine } from '../../engine/engine.js';
import type { KernelName } from '../../core/protocol/kernels.js';
import { calibratePeak } from '../peak.js';
import type { SpentTime } from './cells.js';
import { measureWorkingBytes, prepareCase, type CaseEngine, type PreparedCase } from './case.js';
import { checkOutput } from './check.js';
import { collectGarbage } from './garbage.js';
import type { BenchCase } from './results.js';
import { sampleCalls, type Sampler } from './sample.js';

/** Where cases of one kernel and one number of threads are measured, one at a time. */
export interface Station extends AsyncDisposable {
  readonly instructionSet: string;
  /** FLOP a second of nothing but multiply-adds on all threads, now. */
  peak(): Promise<number>;
  /** @throws MEMORY_LIMIT */
  prepare(benchCase: BenchCase): Promise<ReadyCase>;
}

export interface ReadyCase extends Disposable {
  call(): Promise<unknown>;
  /** Of all calls of the engine. */
  spent(): SpentTime;
  /** The error of the checked rows. @throws RangeError if a number is wrong */
  check(): Promise<number>;
  measureWorkingBytes(): Promise<number>;
  /** Of the packed weights. */
  readonly fixedBytes: number;
}

export interface Lab {
  /** @throws KERNEL_UNAVAILABLE, WORKER_START */
  open(kernel: KernelName, threads: number): Promise<Station>;
  readonly sample: Sampler;
  /** Frees what earlier cases left. */
  readonly tidy: () => void;
  /** Resident memory of the process in bytes. */
  readonly residentBytes: () => number;
}

// Long against dispatch (0.05 ms), short against a round.
const peakMs = 20;
const rateSamples = 5;

export const lab: Lab = {
  open: async (kernel, threads) => {
    const engine = await createEngine({ kernel, threads });
    try {
      return await stationOf(engine);
    } catch (error) {
      await engine.close();
      throw error;
    }
  },
  sample: sampleCalls,
  tidy: collectGarbage,
  residentBytes: () => process.memoryUsage.rss(),
};

async function stationOf(engine: Engine): Promise<Station> {
  const peak = await calibratePeak(engine, peakMs);
  return {
    instructionSet: engine.info.instructionSet,
    peak,
    prepare: async (benchCase) => readyCase(engine, benchCase, await prepareCase(engine, benchCase)),
    [Symbol.asyncDispose]: () => engine.close(),
  };
}

function readyCase(engine: CaseEngine, benchCase: BenchCase, prepared: PreparedCase): ReadyCase {
  return {
    call: () => prepared.call(),
    spent: () => {
      const { calls, phaseMs } = engine.stats();
      return { calls: calls.completed, phaseMs };
    },
    check: async () => checkOutput(benchCase, prepared.operands(), await prepared.call()),
    measureWorkingBytes: () => measureWorkingBytes(engine, prepared),
    fixedBytes: prepared.fixedBytes,
    [Symbol.dispose]: () => {
      prepared[Symbol.dispose]();
    },
  };
}

/** The kernels of this machine, as far as a grid asks for them. */
export interface KernelSurvey {
  /** Those asked for, without doubles; 'auto' is the best one. */
  readonly kernels: readonly KernelName[];
  /** FLOP a second of one thread's multiply-adds. */
  readonly rates: ReadonlyMap<KernelName, number>;
  readonly unavailable: ReadonlyMap<KernelName, string>;
}

/** Measures for a moment what each of the kernels does. @throws WORKER_START; KERNEL_UNAVAILABLE if none can run */
export async function surveyKernels(wanted: readonly ('auto' | KernelName)[]): Promise<KernelSurvey> {
  await using best = await createEngine({ threads: 1 });
  const unavailable = new Map(best.info.unavailable.map(({ name, reason }) => [name, reason]));
  const kernels = [...new Set(wanted.map((name) => (name === 'auto' ? best.info.kernel : name)))];
  const rates = new Map<KernelName, number>();
  for (const kernel of kernels) {
    if (unavailable.has(kernel)) continue;
    if (kernel === best.info.kernel) {
      rates.set(kernel, await measureRate(best));
    } else {
      await using engine = await createEngine({ threads: 1, kernel });
      rates.set(kernel, await measureRate(engine));
    }
  }
  return { kernels, rates, unavailable };
}

/** The best of a few: on a busy machine one alone may be a hundredth of it. */
async function measureRate(engine: Engine): Promise<number> {
  const peak = await calibratePeak(engine, peakMs);
  let best = 0;
  for (let n = 0; n < rateSamples; n++) best = Math.max(best, await peak());
  return best;
}
