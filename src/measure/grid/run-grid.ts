// Measures the cases of a grid: several rounds through all of them, so that a slow minute hits all alike, the engine and
// the case made anew in each; every case stands alone in memory. What the samples mean is the cells' business.
import { HeadpoolError } from '../../core/errors.js';
import { version } from '../../engine/version.js';
import type { KernelName } from '../../core/protocol/kernels.js';
import { signsInGrid } from '../busy.js';
import { describeMachine, nameAdapter } from '../machine.js';
import { Clock, type ProgressListener } from '../progress.js';
import { cellOf, controlOf, hasFailed, meanPhases, type SpentTime } from './cells.js';
import { meanUse } from './device-use.js';
import { leastSamples } from './estimate.js';
import { fitLaws } from './growth.js';
import { lab as realLab, type Lab, type Station } from './lab.js';
import {
  gridFormat,
  nameOfCase,
  type BenchCase,
  type Cell,
  type GridResults,
  type Round,
} from './results.js';

export interface GridOptions {
  readonly title: string;
  /** Of sampling a cell, over all rounds. */
  readonly seconds: number;
  readonly rounds: number;
  /** Kernels that can't run here, and why. */
  readonly unavailable?: ReadonlyMap<KernelName, string>;
  /** How long a round of a case is expected to take, for the time left; default: all alike. */
  readonly roundMs?: (benchCase: BenchCase) => number;
}

export interface GridHooks {
  /** Counts visits of cells, a cell in a round each. */
  readonly onProgress?: ProgressListener;
  readonly signal?: AbortSignal;
}

/** What is known of a case so far. */
interface Candidate {
  readonly case: BenchCase;
  rounds: Round[];
  error: number | undefined;
  residentBytes: number;
  workingBytes: number;
  fixedBytes: number;
  isNoisy: boolean;
  /** Why it can't be measured. */
  failure: HeadpoolError | undefined;
}

const residentEveryMs = 50;

/**
 * @throws RangeError if a result is wrong; the error of the first case, if none can be measured here; the signal's reason
 */
export async function measureGrid(
  cases: readonly BenchCase[],
  options: GridOptions,
  hooks: GridHooks = {},
  lab: Lab = realLab,
): Promise<GridResults> {
  const startedAt = new Date().toISOString();
  const startMs = performance.now();
  const run = new GridRun(cases, options, hooks, lab);
  await run.measure();
  const cells = run.cells();
  return {
    benchmark: 'grid',
    format: gridFormat,
    title: options.title,
    version,
    startedAt,
    elapsedMs: performance.now() - startMs,
    busy: signsInGrid(cells),
    machine: describeMachine(),
    instructionSets: Object.fromEntries(run.instructionSets),
    ...(run.adapter !== undefined && { adapter: run.adapter }),
    cells,
    laws: fitLaws(cells),
  };
}

class GridRun {
  readonly instructionSets = new Map<KernelName, string>();
  /** The GPU that some computed on. */
  adapter: string | undefined;
  readonly #candidates: readonly Candidate[];
  readonly #options: GridOptions;
  readonly #hooks: GridHooks;
  readonly #lab: Lab;
  readonly #clock: Clock;

  constructor(cases: readonly BenchCase[], options: GridOptions, hooks: GridHooks, lab: Lab) {
    this.#options = options;
    this.#hooks = hooks;
    this.#lab = lab;
    this.#clock = new Clock(hooks.onProgress);
    this.#candidates = cases.map((benchCase): Candidate => ({
      case: benchCase,
      rounds: [],
      error: undefined,
      residentBytes: 0,
      workingBytes: 0,
      fixedBytes: 0,
      isNoisy: false,
      failure: undefined,
    }));
    for (const [kernel, reason] of options.unavailable ?? []) {
      const missing = this.#candidates.filter((candidate) => candidate.case.kernel === kernel);
      this.#fail(missing, new HeadpoolError('KERNEL_UNAVAILABLE', reason));
    }
  }

  async measure(): Promise<void> {
    await this.#goThrough(this.#candidates);
    const restless = this.#candidates.filter(
      ({ failure, rounds }) => failure === undefined && hasFailed(controlOf(rounds)),
    );
    const before = restless.map(({ rounds }) => rounds);
    for (const candidate of restless) candidate.rounds = [];
    await this.#goThrough(restless);
    for (const [n, candidate] of restless.entries()) {
      if (candidate.failure !== undefined || !hasFailed(controlOf(candidate.rounds))) continue;
      // No reason to prefer one to the other.
      candidate.rounds = [...before[n]!, ...candidate.rounds];
      candidate.isNoisy = true;
    }
    this.#clock.end();
  }

  cells(): Cell[] {
    return this.#candidates.map((candidate): Cell => {
      const { case: benchCase, failure, error = 0 } = candidate;
      if (failure !== undefined) return { status: 'unavailable', case: benchCase, reason: failure.message };
      return cellOf({ ...candidate, error });
    });
  }

  /** All rounds of some cases; every other round backwards. */
  async #goThrough(candidates: readonly Candidate[]): Promise<void> {
    const { rounds } = this.#options;
    const possible = candidates.filter(({ failure }) => failure === undefined);
    for (const { case: benchCase } of possible) this.#clock.plan(rounds, this.#roundMs(benchCase));
    for (let round = 0; round < rounds; round++) {
      const groups = groupByEngine(possible.filter(({ failure }) => failure === undefined));
      for (const group of round % 2 === 0 ? groups : groups.reverse()) {
        await this.#visitGroup(round % 2 === 0 ? group : group.reverse());
      }
    }
  }

  async #visitGroup(group: readonly Candidate[]): Promise<void> {
    const { kernel, threads } = group[0]!.case;
    this.#hooks.signal?.throwIfAborted();
    let station: Station;
    try {
      station = await this.#lab.open(kernel, threads);
    } catch (error) {
      this.#fail(group, error);
      return;
    }
    try {
      this.instructionSets.set(kernel, station.instructionSet);
      if (station.adapter !== undefined) this.adapter = nameAdapter(station.adapter);
      for (const candidate of group) await this.#visit(station, candidate);
    } finally {
      await station[Symbol.asyncDispose]();
    }
  }

  async #visit(station: Station, candidate: Candidate): Promise<void> {
    this.#hooks.signal?.throwIfAborted();
    this.#clock.begin(nameOfCase(candidate.case));
    this.#lab.tidy();
    try {
      candidate.rounds.push(await this.#measureRound(station, candidate));
    } catch (error) {
      this.#fail([candidate], error);
    } finally {
      this.#clock.finish(this.#roundMs(candidate.case));
    }
  }

  #roundMs(benchCase: BenchCase): number {
    return this.#options.roundMs?.(benchCase) ?? 1;
  }

  async #measureRound(station: Station, candidate: Candidate): Promise<Round> {
    const { seconds, rounds } = this.#options;
    const { signal } = this.#hooks;
    using prepared = await station.prepare(candidate.case);
    if (candidate.error === undefined) {
      candidate.error = await prepared.check(nameOfCase(candidate.case));
      candidate.workingBytes = await station.measureWorkingBytes(prepared);
      candidate.fixedBytes = prepared.fixedBytes;
    }
    const before = await station.peak();
    station.restartPeak();
    const watch = watchMemory(this.#lab.residentBytes);
    let spent: SpentTime | undefined;
    const call = async (): Promise<void> => {
      await prepared.call();
      // The first call finds caches cold, and memory that was never touched.
      spent ??= station.spent();
    };
    let ms: number[];
    try {
      const limits = { seconds: seconds / rounds, leastSamples: leastSamples(rounds), signal };
      ms = await this.#lab.sample(call, limits);
    } finally {
      candidate.residentBytes = Math.max(candidate.residentBytes, watch.stop());
    }
    const end = station.spent();
    const peak = (before + (await station.peak())) / 2;
    if (spent === undefined) return { ms, peak, phaseMs: {} };
    return { ms, peak, phaseMs: meanPhases(spent, end), ...meanUse(spent, end) };
  }

  /**
   * Marks what can't be measured on this machine, which is no reason to measure no other.
   * @throws the error, if it is another one; what is wrong with the first case, if something is wrong with all
   */
  #fail(candidates: readonly Candidate[], error: unknown): void {
    const isHere =
      error instanceof HeadpoolError && ['KERNEL_UNAVAILABLE', 'MEMORY_LIMIT'].includes(error.code);
    if (!isHere) throw error;
    for (const candidate of candidates) candidate.failure = error;
    const [first] = this.#candidates;
    if (first?.failure === undefined || this.#candidates.some(({ failure }) => failure === undefined)) return;
    const { failure, case: benchCase } = first;
    throw new HeadpoolError(
      failure.code,
      `None of the cells can be measured here; ${nameOfCase(benchCase)}: ${failure.message}`,
      { cause: failure },
    );
  }
}

function groupByEngine(candidates: readonly Candidate[]): Candidate[][] {
  const groups = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const { kernel, threads } = candidate.case;
    const key = `${kernel} ${threads}`;
    groups.set(key, [...(groups.get(key) ?? []), candidate]);
  }
  return [...groups.values()];
}

/** The most memory that the process has until it is stopped. */
function watchMemory(residentBytes: () => number): { stop(): number } {
  let most = residentBytes();
  const look = (): void => {
    most = Math.max(most, residentBytes());
  };
  const timer = setInterval(look, residentEveryMs);
  return {
    stop: () => {
      clearInterval(timer);
      look();
      return most;
    },
  };
}
