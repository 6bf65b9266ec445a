// What a grid is measured with: engines, the cases on them, the clock. Tests measure with other ones.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createEngine, type Engine } from '../../engine/engine.js';
import type { EngineOptions } from '../../engine/engine-options.js';
import { deviceOf, type Adapter, type Device, type KernelName } from '../../core/protocol/kernels.js';
import { measureWorkingBytes, prepareCase, type PreparedCase } from '../cases/prepare.js';
import { calibratePeak } from '../peak.js';
import { sampleCalls, type Sampler } from '../sample.js';
import type { SpentTime } from './cells.js';
import type { BenchCase } from './results.js';

/** Where cases of one kernel and one number of threads are measured, one at a time. */
export interface Station extends AsyncDisposable {
  readonly instructionSet: string;
  /** The GPU that computes, where one does. */
  readonly adapter?: Adapter;
  /** FLOP a second of nothing but multiply-adds on all threads, now. */
  peak(): Promise<number>;
  /** @throws MEMORY_LIMIT */
  prepare(benchCase: BenchCase): Promise<PreparedCase>;
  /** Packed weights and working memory during a call. */
  measureWorkingBytes(prepared: PreparedCase): Promise<number>;
  /** Of all calls so far. */
  spent(): SpentTime;
  /** The most memory of a device is counted anew. */
  restartPeak(): void;
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
    const engine = await createEngine(engineOf(kernel, threads));
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
  const { instructionSet, adapter } = engine.info;
  return {
    instructionSet,
    ...(adapter && { adapter }),
    peak,
    prepare: (benchCase) => prepareCase(engine, benchCase),
    measureWorkingBytes: (prepared) => measureWorkingBytes(engine, prepared),
    spent: () => {
      const { calls, phaseMs, device } = engine.stats();
      return { calls: calls.completed, phaseMs, ...(device && { device }) };
    },
    restartPeak: () => {
      engine.restartPeak();
    },
    [Symbol.asyncDispose]: () => engine.close(),
  };
}

let collect: (() => void) | undefined;

/** Frees what nobody refers to any more: some milliseconds on this thread. Sets a flag of V8, which the process keeps. */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    // Only contexts made from now on have it.
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}

/** The kernels of this machine, as far as a grid asks for them. */
export interface KernelSurvey {
  /** What 'auto' stands for. */
  readonly best: KernelName;
  /** FLOP a second of one thread's multiply-adds. */
  readonly rates: ReadonlyMap<KernelName, number>;
  readonly unavailable: ReadonlyMap<KernelName, string>;
}

/** Measures for a moment what each of the kernels does. @throws WORKER_START; KERNEL_UNAVAILABLE if none can run */
export async function surveyKernels(
  wanted: readonly ('auto' | KernelName)[],
  device: Device = 'cpu',
): Promise<KernelSurvey> {
  await using auto = await createEngine({ threads: 1, device });
  const { kernel: best } = auto.info;
  const unavailable = new Map(auto.info.unavailable.map(({ name, reason }) => [name, reason]));
  const rates = new Map<KernelName, number>();
  for (const kernel of new Set(wanted.map((name) => (name === 'auto' ? best : name)))) {
    if (unavailable.has(kernel)) continue;
    if (kernel === best) {
      rates.set(kernel, await measureRate(auto));
    } else {
      await using engine = await createEngine(engineOf(kernel, 1));
      rates.set(kernel, await measureRate(engine));
    }
  }
  return { best, rates, unavailable };
}

/** A GPU is one worker's, whatever the number of threads. */
function engineOf(kernel: KernelName, threads: number): EngineOptions {
  const device = deviceOf(kernel);
  return { kernel, device, threads: device === 'gpu' ? 1 : threads };
}

/** The best of a few: on a busy machine one alone may be a hundredth of it. */
async function measureRate(engine: Engine): Promise<number> {
  const peak = await calibratePeak(engine, peakMs);
  let best = 0;
  for (let n = 0; n < rateSamples; n++) best = Math.max(best, await peak());
  return best;
}
