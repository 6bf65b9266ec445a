// Cases, cells and results to test with, and a lab that measures nothing.
import { createTensor } from '../../../src/core/tensor/tensor.js';
import type { PreparedCase } from '../../../src/measure/cases/prepare.js';
import type { Lab, Station } from '../../../src/measure/grid/lab.js';
import { cellOf } from '../../../src/measure/grid/cells.js';
import type { BenchCase, GridResults, MeasuredCell } from '../../../src/measure/grid/results.js';

/** A small layer on one thread of the reference kernel. */
export function caseOf(change: Partial<BenchCase> = {}): BenchCase {
  return {
    ...{ mode: 'layer', modelDim: 32, heads: 4, headDim: 8, kvHeads: 4, tokens: 12, batch: 1 },
    ...{ causal: false, window: null, dtype: 'f32', options: 'none', kernel: 'reference', threads: 1 },
    ...change,
  };
}

export function measuredCell(change: Partial<BenchCase> = {}): MeasuredCell {
  return cellOf({
    case: caseOf(change),
    rounds: [
      { ms: [2, 2.1, 1.9, 2], peak: 1e9, phaseMs: { project: 0.5, attend: 1, output: 0.25 } },
      { ms: [2.2, 2, 2.05, 1.95], peak: 1.1e9, phaseMs: { project: 0.6, attend: 1.1, output: 0.25 } },
    ],
    ...{ error: 1e-7, residentBytes: 2e8, workingBytes: 4096, fixedBytes: 1024, isNoisy: false },
  });
}

export function gridResults(change: Partial<GridResults> = {}): GridResults {
  return {
    ...{ benchmark: 'grid', format: 2, title: 'a grid', version: '0.1.0' },
    ...{ startedAt: '2026-01-02T03:04:05.000Z', elapsedMs: 1234.5, busy: [] },
    machine: {
      ...{ cpu: 'a processor', cores: 4, parallelism: 2, memoryBytes: 8e9 },
      ...{ node: '20.19.0', v8: '11.3', platform: 'linux 6.8.0 x64' },
    },
    instructionSets: { native: 'AVX2 + FMA' },
    cells: [
      measuredCell(),
      { status: 'unavailable', case: caseOf({ kernel: 'wasm' }), reason: 'no "SIMD", sorry' },
    ],
    laws: { growth: [], crossovers: [] },
    ...change,
  };
}

export interface FakeLab extends Lab {
  /** 'open native x2', 'prepare layer …', 'close native x2', in order. */
  readonly log: string[];
}

export interface Fakes {
  /** Samples of a visit; default: five alike. */
  readonly samples?: (visit: number) => readonly number[];
  readonly prepare?: (benchCase: BenchCase) => void;
  readonly open?: (kernel: string) => void;
  readonly check?: (benchCase: BenchCase) => number;
}

export function fakeLab({ samples, prepare, open, check }: Fakes = {}): FakeLab {
  const log: string[] = [];
  let visits = 0;
  let calls = 0;
  return {
    log,
    open: (kernel, threads): Promise<Station> => {
      log.push(`open ${kernel} x${threads}`);
      open?.(kernel);
      return Promise.resolve({
        instructionSet: `set of ${kernel}`,
        peak: () => Promise.resolve(1e9),
        prepare: (benchCase): Promise<PreparedCase> => {
          log.push(`${benchCase.tokens} on ${kernel} x${threads}`);
          prepare?.(benchCase);
          return Promise.resolve({
            call: () => {
              calls++;
              return Promise.resolve({ output: createTensor([0]) });
            },
            check: () => Promise.resolve(check?.(benchCase) ?? 1e-7),
            fixedBytes: 1024,
            [Symbol.dispose]: () => log.push('disposed'),
          });
        },
        spent: () => ({ calls, phaseMs: { project: 0.5 * calls, append: 0 } }),
        restartPeak: () => undefined,
        measureWorkingBytes: () => Promise.resolve(4096),
        [Symbol.asyncDispose]: () => {
          log.push(`close ${kernel} x${threads}`);
          return Promise.resolve();
        },
      });
    },
    sample: async (call, { signal }) => {
      signal?.throwIfAborted();
      const ms = [...(samples?.(visits++) ?? [1, 1, 1, 1, 1])];
      for (let n = 0; n <= ms.length; n++) await call();
      return ms;
    },
    tidy: () => undefined,
    residentBytes: () => 1e8,
  };
}
