// Grid results made up for tests: cells with the rounds that a test wants, and whole tables of a simulated noisy machine.
import {
  gridFormat,
  type BenchCase,
  type Cell,
  type GridResults,
  type MeasuredCell,
  type Round,
} from '../../src/measure/grid/results.js';
import { summarise } from '../../src/measure/statistics.js';
import type { Random } from '../../src/core/tensor/random.js';

const baseCase: BenchCase = {
  ...{ mode: 'layer', modelDim: 768, heads: 12, headDim: 64, kvHeads: 12, tokens: 512, batch: 1 },
  ...{ causal: false, window: null, dtype: 'f32', options: 'none', kernel: 'native', threads: 2 },
};

export function madeCase(changes: Partial<BenchCase> = {}): BenchCase {
  return { ...baseCase, ...changes };
}

/** A measured cell of these rounds; figures that no test reads are 0. */
export function madeCell(
  rounds: readonly Round[],
  changes: Partial<BenchCase> = {},
  isNoisy = false,
): MeasuredCell {
  const samples = rounds.flatMap(({ ms }) => ms);
  const one = { low: 1, high: 1 };
  return {
    status: 'measured',
    case: madeCase(changes),
    rounds,
    ms: summarise(samples.length === 0 ? [0] : samples),
    interval: one,
    phaseMs: {},
    ...{ spread: 0, flop: 0, tokensPerSecond: 0, gflopPerSecond: 0, peakShare: 0, gigabytesPerSecond: null },
    ...{ residentBytes: 0, workingBytes: 0, fixedBytes: 0, error: 0 },
    control: { median: 1, interval: one },
    isNoisy,
  };
}

export function madeGrid(cells: readonly Cell[], changes: Partial<GridResults> = {}): GridResults {
  return {
    ...{ benchmark: 'grid', format: gridFormat, title: 'made up', version: '0.1.0' },
    ...{ startedAt: '2024-01-01T00:00:00.000Z', elapsedMs: 0, busy: [] },
    machine: {
      ...{ cpu: 'made up', cores: 2, parallelism: 2, memoryBytes: 2 ** 33 },
      ...{ node: '20.19.0', v8: '11.3', platform: 'linux 6.8.0 x64' },
    },
    instructionSets: { native: 'avx2' },
    cells,
    laws: { growth: [], crossovers: [] },
    ...changes,
  };
}

/** The noise of a machine; deviations are of logs, so 0.03 is about 3 %. */
export interface Noise {
  readonly random: Random;
  readonly cells: number;
  readonly rounds: number;
  readonly samples: number;
  /** From round to round, beside what the peak tells. */
  readonly drift: number;
  /** Whether all cells of a round drift together, or each by itself. */
  readonly isDriftShared: boolean;
  /** Time of a cell as a multiple of what it would be, by its index; default 1. */
  readonly slowDown?: (cell: number) => number;
}

/** A table as a noisy machine would give: turbo that peak and times share, drift, an error of the peak, lognormal samples. */
export function simulateGrid(noise: Noise): GridResults {
  const { random, rounds, samples, drift, isDriftShared, slowDown = () => 1 } = noise;
  const [turboSpread, peakError, sampleSpread] = [0.1, 0.01, 0.05];
  const base = madeCell([]);
  const shared = Array.from({ length: rounds }, () => drift * random.normal());
  const cells = Array.from({ length: noise.cells }, (_, cell) => {
    const made = Array.from({ length: rounds }, (__, round) => {
      const turbo = turboSpread * random.normal();
      const offset = (isDriftShared ? shared[round]! : drift * random.normal()) - turbo;
      const expectedMs = 10 * (cell + 1) * slowDown(cell) * Math.exp(offset);
      const draw = (): number => expectedMs * Math.exp(sampleSpread * random.normal());
      const peak = 1e11 * Math.exp(turbo + peakError * random.normal());
      return { ms: Array.from({ length: samples }, draw), peak, phaseMs: {} };
    });
    return { ...base, rounds: made, case: madeCase({ tokens: 64 * (cell + 1) }) };
  });
  return madeGrid(cells);
}
