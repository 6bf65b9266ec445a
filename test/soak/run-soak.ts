// A soak: callers who never rest on one engine, some of whom change their minds, while workers are killed.
import { setTimeout as sleep } from 'node:timers/promises';
import { createEngine, HeadpoolError, type Engine } from '../../src/index.js';
import { createRandom, type Random } from '../../src/core/tensor/random.js';
import { Answers, playNamed } from './answers.js';
import { countEnded, type CallCounts, type SoakRecord } from './record.js';
import { openScenarios, type MakeCall, type Scenario } from './scenarios.js';
import { watch, type WatchOptions } from './watch.js';

export interface SoakOptions extends WatchOptions {
  /** From one worker that is killed to the next. */
  readonly killSeconds: number;
  /** How long callers may take to come to their ends; default 60. */
  readonly patienceSeconds?: number;
  /** What callers do besides: tests put faults there. */
  readonly more?: readonly Scenario[];
}

const callers = 16;
const abortShare = 0.01;
const mostComplaints = 10;

export async function runSoak(options: SoakOptions): Promise<SoakRecord> {
  const { killSeconds, patienceSeconds = 60, more = [] } = options;
  const engine = await createEngine({ whenFull: 'wait', maxQueue: callers / 2 });
  const scenarios = [...(await openScenarios(engine)), ...more];
  const answers = new Answers();
  for (const scenario of scenarios) await answers.learn(scenario);
  const before = engine.stats();

  const over = new AbortController();
  const load = new Load(scenarios, answers, over.signal);
  const all = Promise.all(Array.from({ length: callers }, (_, n) => load.keepCalling(n)));
  const killer = keepKilling(engine, killSeconds, over.signal);
  const windows = await watch(options, {
    count: () => ({
      calls: countEnded(load.counts),
      aborted: load.counts.aborted,
      kills: killer.kills,
    }),
    rest: (action) => load.rest(action, patienceSeconds),
  });
  over.abort();
  await Promise.race([all, sleep(patienceSeconds * 1000, undefined, { ref: false })]);
  const { calls, memoryBytes } = engine.stats();
  const { completed, failed, cancelled, open } = calls;
  await Promise.race([engine.close(), sleep(patienceSeconds * 1000, undefined, { ref: false })]);
  return {
    ...{ calls: load.counts, complaints: load.complaints, windows },
    engine: {
      completed: completed - before.calls.completed,
      failed,
      cancelled,
      open,
      leftBytes: memoryBytes - before.memoryBytes,
    },
  };
}

class Load {
  readonly counts: CallCounts = { made: 0, right: 0, wrong: 0, aborted: 0, lost: 0, failed: 0 };
  readonly complaints: string[] = [];
  /** Of the last call that was answered: how long another one may take. */
  #latencyMs = 1;
  #resting = Promise.resolve();
  readonly #scenarios: readonly Scenario[];
  readonly #answers: Answers;
  readonly #over: AbortSignal;

  constructor(scenarios: readonly Scenario[], answers: Answers, over: AbortSignal) {
    this.#scenarios = scenarios;
    this.#answers = answers;
    this.#over = over;
  }

  /** Lets open calls end, and runs `action` before the next ones. Without patience for ones that never end. */
  async rest(action: () => void, patienceSeconds: number): Promise<void> {
    let goOn!: () => void;
    this.#resting = new Promise((resolve) => {
      goOn = resolve;
    });
    const giveUpMs = performance.now() + patienceSeconds * 1000;
    while (this.counts.made > countEnded(this.counts) && performance.now() < giveUpMs) await sleep(1);
    action();
    goOn();
  }

  async keepCalling(caller: number): Promise<void> {
    const random = createRandom(caller);
    while (!this.#over.aborted) {
      const scenario = this.#scenarios[Math.floor(random.uniform() * this.#scenarios.length)]!;
      const { mayBeLost } = scenario;
      try {
        await playNamed(scenario, async (name, makeCall) => {
          while (!(await this.#ask({ name, mayBeLost, makeCall }, random)));
        });
      } catch (error) {
        this.#complain(`${scenario.name} ended: ${String(error)}`);
      }
    }
  }

  /** @returns whether there was an answer; else the caller asks again */
  async #ask(
    { name, mayBeLost, makeCall }: Pick<Scenario, 'name' | 'mayBeLost'> & { readonly makeCall: MakeCall },
    random: Random,
  ): Promise<boolean> {
    const { counts } = this;
    const changed = new AbortController();
    const changesMind = random.uniform() < abortShare;
    // Some before anything has begun, some too late.
    const afterMs = 2 * random.uniform() * this.#latencyMs;
    await this.#resting;
    const timer = changesMind
      ? setTimeout(() => {
          changed.abort(new Error('changed'));
        }, afterMs)
      : undefined;
    const startMs = performance.now();
    counts.made++;
    try {
      const result = await makeCall(changesMind ? { signal: changed.signal } : {});
      const difference = this.#answers.findDifference(name, result);
      if (difference === undefined) counts.right++;
      else {
        counts.wrong++;
        this.#complain(`${name}: ${difference}`);
      }
      this.#latencyMs = performance.now() - startMs;
      return true;
    } catch (error) {
      if (changed.signal.aborted && error === changed.signal.reason) counts.aborted++;
      else if (mayBeLost && error instanceof HeadpoolError && error.code === 'WORKER_LOST') counts.lost++;
      else {
        counts.failed++;
        this.#complain(`${name}: ${String(error)}`);
      }
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  #complain(text: string): void {
    if (this.complaints.length < mostComplaints) this.complaints.push(text);
  }
}

/** Ends one worker after the other, from the middle between two ends of windows on. */
function keepKilling(engine: Engine, everySeconds: number, over: AbortSignal): { kills: number } {
  const count = { kills: 0 };
  const pause = (seconds: number) => sleep(seconds * 1000, undefined, { signal: over });
  const kill = async (): Promise<void> => {
    await pause(everySeconds / 2);
    for (;;) {
      await engine.terminateWorker(count.kills % engine.info.threads);
      count.kills++;
      await pause(everySeconds);
    }
  };
  kill().catch((error: unknown) => {
    if (!over.aborted) throw error;
  });
  return count;
}
