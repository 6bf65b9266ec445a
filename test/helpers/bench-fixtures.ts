// Made-up results of measurements, as a machine with eight processors might give them: the same in every run.
import {
  gridFormat,
  type BenchCase,
  type Cell,
  type GridResults,
  type MeasuredCell,
  type MissingCell,
} from '../../src/measure/grid/results.js';
import {
  scalingFormat,
  type PredictedPoint,
  type ScalingCurve,
  type ScalingPoint,
  type ScalingResults,
  type ScalingWork,
} from '../../src/measure/scaling/results.js';
import { fitLaws } from '../../src/measure/grid/growth.js';
import { attentionFlop, projectionFlop } from '../../src/measure/cases/work.js';
import type { Machine } from '../../src/measure/machine.js';
import { medianInterval, relativeSpread, summarise } from '../../src/measure/statistics.js';
import { bytesPerElement } from '../../src/core/tensor/dtype.js';
import { createRandom, type Random } from '../../src/core/tensor/random.js';

export const exampleMachine: Machine = {
  cpu: 'Example EPYC 7B13 64-Core Processor',
  cores: 8,
  parallelism: 8,
  memoryBytes: 32 * 2 ** 30,
  node: '22.11.0',
  v8: '12.4.254.21',
  platform: 'linux 6.8.0 x64',
};

const perThreadPeak: Readonly<Record<string, number>> = {
  native: 92e9,
  wasm: 46e9,
  reference: 1.4e9,
} as const;
const bandwidth = 38e9;

/** A layer of 8 heads of 64 on 512 tokens, but for what is given. */
export function exampleCase(given: Partial<BenchCase> = {}): BenchCase {
  const { heads = 8, headDim = 64 } = given;
  return {
    mode: 'layer',
    modelDim: heads * headDim,
    heads,
    headDim,
    kvHeads: heads,
    tokens: 512,
    batch: 1,
    causal: false,
    window: null,
    dtype: 'f32',
    options: 'none',
    kernel: 'native',
    threads: 8,
    ...given,
  };
}

function flopOf({ mode, modelDim, heads, headDim, kvHeads, tokens, causal, window }: BenchCase): number {
  const attended = Math.min(window ?? tokens, tokens) * (causal && window === null ? 0.5 : 1);
  const projections = 4 * modelDim * (modelDim + kvHeads * headDim);
  if (mode === 'decode') return projections + 4 * attended * heads * headDim;
  const attention = 4 * tokens * attended * modelDim;
  return mode === 'attention' ? attention : attention + tokens * projections;
}

/** A cell with figures that agree with each other; `noise` is the deviation of a sample. */
export function measuredCell(benchCase: BenchCase, { noise = 0.015, isNoisy = false } = {}): MeasuredCell {
  const { mode, tokens, kvHeads, headDim, dtype, kernel, threads, batch, heads } = benchCase;
  const random = createRandom(tokens + 31 * heads + 7 * threads + (benchCase.causal ? 3 : 0));
  const flop = flopOf(benchCase) * batch;
  const peak = perThreadPeak[kernel]! * threads * 0.94;
  const cacheBytes = 2 * tokens * kvHeads * headDim * bytesPerElement[dtype];
  const share = (0.78 * flop) / (flop + 2.5e8);
  const seconds =
    mode === 'decode'
      ? 4e-5 + (cacheBytes + 16 * benchCase.modelDim ** 2) / bandwidth
      : 5e-5 + flop / (peak * Math.max(share, 0.05));
  const rounds = [0, 1, 2].map(() => ({
    ms: sampleMs(random, seconds * 1e3, noise),
    peak: peak * (1 + 0.01 * random.normal()),
    phaseMs: {},
  }));
  const samples = rounds.flatMap((round) => round.ms);
  const ms = summarise(samples);
  const perSecond = flop / (ms.median / 1e3);
  return {
    status: 'measured',
    case: benchCase,
    rounds,
    ms,
    interval: medianInterval(samples, { resamples: 200 }),
    spread: relativeSpread(ms),
    phaseMs: phasesOf(benchCase, ms.median),
    flop,
    tokensPerSecond: ((mode === 'decode' ? 1 : tokens) * batch * 1e3) / ms.median,
    gflopPerSecond: perSecond / 1e9,
    peakShare: perSecond / peak,
    gigabytesPerSecond: mode === 'decode' ? cacheBytes / (ms.median * 1e6) : null,
    residentBytes: 9e7 + 12 * tokens * heads * headDim,
    workingBytes: 4e6 + 8 * tokens * heads * headDim,
    fixedBytes: 4e6,
    error: 3e-7 * (1 + random.uniform()),
    control: isNoisy
      ? { median: 1.083, interval: { low: 1.041, high: 1.127 } }
      : { median: 1.002, interval: { low: 0.993, high: 1.011 } },
    isNoisy,
  };
}

/** A layer's time shared out by its FLOP. */
function phasesOf(benchCase: BenchCase, ms: number): Record<string, number> {
  const attend = attentionFlop(benchCase) / (attentionFlop(benchCase) + projectionFlop(benchCase));
  if (attend === 1) return { attend: ms };
  return { project: 0.7 * (1 - attend) * ms, attend: attend * ms, output: 0.3 * (1 - attend) * ms };
}

function sampleMs(random: Random, middle: number, noise: number): number[] {
  return Array.from({ length: 20 }, () => middle * Math.exp(noise * Math.abs(random.normal())));
}

export function missingCell(benchCase: BenchCase, reason: string): MissingCell {
  return { status: 'unavailable', case: benchCase, reason };
}

export function gridResults(cells: readonly Cell[], title = 'Layers, attention and decoding'): GridResults {
  return {
    ...{ benchmark: 'grid', format: gridFormat, title, version: '0.1.0' },
    startedAt: '2025-03-01T09:30:00.000Z',
    elapsedMs: 512_000,
    busy: [],
    machine: exampleMachine,
    instructionSets: { native: 'AVX2 and FMA', wasm: 'WebAssembly relaxed SIMD' },
    cells,
    laws: fitLaws(cells),
  };
}

/** 27 cells: all modes, two kernels, masks, grouped heads, half precision, two noisy ones and two missing. */
export function exampleGrid(): GridResults {
  const sizes = [4, 8, 12].flatMap((heads) => [128, 512, 2048].map((tokens) => ({ heads, tokens })));
  const long = [512, 2048, 8192];
  const cached = [1024, 8192, 65_536];
  return gridResults([
    ...sizes.map((size) =>
      measuredCell(
        exampleCase(size),
        size.heads === 12 && size.tokens === 128 ? { noise: 0.3, isNoisy: true } : {},
      ),
    ),
    ...[128, 512, 2048].map((tokens) => measuredCell(exampleCase({ tokens, kernel: 'wasm' }))),
    ...long.map((tokens) => measuredCell(exampleCase({ mode: 'attention', tokens }))),
    ...long.map((tokens) => measuredCell(exampleCase({ mode: 'attention', tokens, causal: true }))),
    ...cached.map((tokens) => measuredCell(exampleCase({ mode: 'decode', tokens }))),
    ...cached.map((tokens) =>
      measuredCell(exampleCase({ mode: 'decode', tokens, dtype: 'f16' }), {
        noise: tokens === 1024 ? 0.2 : 0.02,
        isNoisy: tokens === 1024,
      }),
    ),
    measuredCell(exampleCase({ mode: 'decode', tokens: 8192, kvHeads: 2 })),
    missingCell(
      exampleCase({ tokens: 32_768, kernel: 'wasm' }),
      'the work would need 5.2 GiB where 4.0 GiB are allowed',
    ),
    missingCell(
      exampleCase({ kernel: 'reference', threads: 1, tokens: 2048 }),
      'left out: over a minute a call',
    ),
  ]);
}

/** A chart of it would have 18 lines: heads, masks and options. */
export function gridOfManyLines(): GridResults {
  const cells = [4, 8, 12].flatMap((heads) =>
    [false, true].flatMap((causal) =>
      (['none', 'softcap', 'alibi'] as const).flatMap((options) =>
        [128, 512].map((tokens) => measuredCell(exampleCase({ heads, causal, options, tokens }))),
      ),
    ),
  );
  return gridResults(cells, 'Many lines');
}

const phaseShares = { project: 0.47, attend: 0.36, output: 0.17 } as const;

/** Speed-up by a serial share and by what workers cost each other. */
function modelSpeedUp(workers: number, serial: number, coherence: number): number {
  return workers / (1 + serial * (workers - 1) + coherence * workers * (workers - 1));
}

/** A curve of 1 … 8 workers with predictions up to 64. */
export function exampleCurve(
  kind: ScalingCurve['kind'],
  axis: ScalingCurve['axis'],
  serial: number,
): ScalingCurve {
  const coherence = serial / 60;
  const random = createRandom(Math.round(1e4 * serial));
  const workOf = (workers: number): ScalingWork => {
    const batch = kind === 'weak' ? workers : 1;
    return { modelDim: 768, heads: 12, tokens: 1024, batch, flop: 8.05e9 * batch };
  };
  const msOfOne = 96;
  const points = [1, 2, 3, 4, 5, 6, 7, 8].map((workers): ScalingPoint => {
    const speedUp =
      workers === 1 ? 1 : modelSpeedUp(workers, serial, coherence) * (1 + 0.008 * random.normal());
    const peakSpeedUp = workers * (1 - 0.012 * (workers - 1));
    const middle = (msOfOne * (kind === 'weak' ? workers : 1)) / speedUp;
    const samples = sampleMs(random, middle, 0.02);
    const dispatchMs = 0.04 + 0.05 * workers;
    const inPhases = middle - dispatchMs;
    return {
      workers,
      work: workOf(workers),
      ms: summarise(samples),
      interval: medianInterval(samples, { resamples: 200 }),
      speedUp,
      speedUpInterval: { low: speedUp * 0.988, high: speedUp * 1.013 },
      efficiency: speedUp / workers,
      peakSpeedUp,
      peakEfficiency: speedUp / peakSpeedUp,
      phaseMs: Object.fromEntries(
        Object.entries(phaseShares).map(([phase, share]) => [phase, share * inPhases]),
      ),
      dispatchMs,
      waitShare: workers === 1 ? 0 : 0.6 * (1 - speedUp / workers),
    };
  });
  const predicted = [1, 2, 4, 8, 16, 32, 64].map((workers): PredictedPoint => {
    const speedUp = modelSpeedUp(workers, serial * 0.95, coherence * 0.9);
    const ms = (msOfOne * (kind === 'weak' ? workers : 1)) / speedUp;
    return { workers, ms, speedUp, isBeyondMachine: workers > exampleMachine.cores };
  });
  return {
    ...{ kind, axis, points, predicted },
    predictionError: 0.031,
    amdahl: { serial: serial * 1.15, deviation: 0.017 },
    universal: {
      contention: serial,
      coherence,
      peakWorkers: Math.sqrt((1 - serial) / coherence),
      deviation: 0.008,
    },
  };
}

export function scalingResults(
  curves: readonly ScalingCurve[],
  title = 'Scaling of a layer from one to eight workers',
): ScalingResults {
  return {
    ...{ benchmark: 'scaling', format: scalingFormat, title, version: '0.1.0' },
    startedAt: '2025-03-01T10:15:00.000Z',
    elapsedMs: 184_000,
    busy: [],
    machine: exampleMachine,
    kernel: 'native',
    instructionSet: 'AVX2 and FMA',
    peaks: [1, 2, 3, 4, 5, 6, 7, 8].map((workers) => 92e9 * workers * (1 - 0.012 * (workers - 1))),
    curves,
  };
}

export function exampleScaling(): ScalingResults {
  return scalingResults([
    exampleCurve('strong', 'heads', 0.012),
    exampleCurve('strong', 'queries', 0.021),
    exampleCurve('weak', 'sequences', 0.006),
  ]);
}
