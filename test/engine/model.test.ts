// Calls of random shapes, priorities, aborts, deadlines and dying workers against a model of the engine: what may become of
// each call, and the bytes of its result, which are those of the call alone.
import test, { type ExecutionContext } from 'ava';
import { HeadpoolError, type ErrorCode } from '../../src/core/errors.js';
import type { CpuKernelName } from '../../src/core/protocol/kernels.js';
import type { Tensor } from '../../src/core/tensor/tensor.js';
import { createEngine, type AttentionResult, type Engine, type EngineOptions } from '../../src/index.js';
import { assertSameBytes } from '../helpers/assertions.js';
import { bytesAlone, createOut, Draw, drawCases, numbersOf, openKit } from '../helpers/call-cases.js';
import type { CallCase, CallKit, HostOptions } from '../helpers/call-cases.js';
import { kernels } from '../helpers/engines.js';
import { sleep, timerErrorMs } from '../helpers/long-calls.js';

const seed = 20_261_130;
const allCalls = 10_000;
// Of calls; the plain kernel takes some ten times as long.
const shares: Readonly<Record<CpuKernelName, number>> = { native: 3, wasm: 3, reference: 1 };
const enginesOfKernel = 5;
const mostOpen = 64;
// Nothing of this takes a second.
const guardMs = 60_000;

const cases = drawCases(seed);
const allOfThem = cases.map((_, n) => n);
/** Those that may be computed together, of every family of several. */
const families = [...new Set(cases.map(({ family }) => family))]
  .map((name) => allOfThem.filter((n) => cases[n]!.family === name))
  .filter((family) => family.length > 1);

/** What a case gives alone. */
interface Wanted {
  readonly numbers: Float32Array;
  readonly output: Tensor;
  /** Predicted, without and with `out`. */
  readonly bytes: number;
  readonly bytesWithOut: number;
}

/** One call as the model sees it. */
interface ModelCall {
  readonly of: CallCase;
  readonly wanted: Wanted;
  readonly bytes: number;
  readonly out: Tensor | undefined;
  readonly timeoutMs: number | undefined;
  readonly calledMs: number;
  /** The reason of its abort, once it was aborted. */
  abortReason: Error | undefined;
  /** Workers that had ended before it was made. */
  readonly endedBefore: number;
  /** Calls that were open when it was made, and what they were predicted to take. */
  readonly openBefore: number;
  readonly openBytesBefore: number;
}

interface Counts {
  completed: number;
  failed: number;
  cancelled: number;
}

type Limits = Required<Pick<EngineOptions, 'maxQueue' | 'maxQueueBytes' | 'whenFull'>>;

interface Traffic {
  readonly calls: number;
  readonly threads: number;
  readonly wanted: readonly Wanted[];
  readonly limits: Limits;
}

class Model {
  readonly #kit: CallKit;
  readonly #limits: Limits;
  readonly #open = new Set<ModelCall>();
  /** Workers whose end was begun, and has come. */
  #ending = 0;
  #ended = 0;
  readonly counts: Counts = { completed: 0, failed: 0, cancelled: 0 };
  /** Outputs of calls that are over, and what they held then. */
  readonly #outs: { readonly out: Tensor; readonly then: Float32Array }[] = [];
  /** What went otherwise. */
  readonly faults: string[] = [];

  constructor(kit: CallKit, limits: Limits) {
    this.#kit = kit;
    this.#limits = limits;
  }

  get open(): number {
    return this.#open.size;
  }

  /** Makes a call that fits in, and follows it to its end. */
  async follow(of: CallCase, wanted: Wanted, draw: Draw): Promise<void> {
    const controller = draw.chance(0.3) ? new AbortController() : undefined;
    const out = draw.chance(0.4) ? createOut(this.#kit, wanted.output) : undefined;
    const timeoutMs = draw.chance(0.15) ? draw.of([1, 5, 20, 60_000]) : undefined;
    const host: HostOptions = {
      priority: draw.of(['interactive', 'batch']),
      ...(controller && { signal: controller.signal }),
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(out && { out }),
    };
    const bytes = out === undefined ? wanted.bytes : wanted.bytesWithOut;
    const call: ModelCall = {
      ...{ of, wanted, bytes, out, timeoutMs },
      calledMs: performance.now(),
      abortReason: undefined,
      endedBefore: this.#ended,
      openBefore: this.#open.size,
      openBytesBefore: [...this.#open].reduce((sum, other) => sum + other.bytes, 0),
    };
    const abort = (): void => {
      if (controller === undefined) return;
      call.abortReason = new Error(`enough of ${of.name}`);
      controller.abort(call.abortReason);
    };
    const when = controller && draw.of(['before', 'at once', 'soon', 'later', 'never']);
    const delayMs = 5 * draw.below(3);
    if (when === 'before') abort();
    const ending = of.call(this.#kit, host);
    this.#open.add(call);
    if (when === 'at once') abort();
    if (when === 'soon') void Promise.resolve().then(abort);
    if (when === 'later') setTimeout(abort, delayMs);
    await withGuard(ending).then(
      (result) => {
        this.#completed(call, result, when === 'before');
      },
      (error: unknown) => {
        this.#rejected(call, error, when === 'before');
      },
    );
    this.#open.delete(call);
    if (out !== undefined) this.#outs.push({ out, then: out.data.slice() });
  }

  /** Ends a worker and waits until its thread has ended. */
  async end(worker: number): Promise<void> {
    this.#ending++;
    await this.#kit.engine.terminateWorker(worker);
    this.#ended++;
  }

  /** Looks at what the engine says of itself. */
  look(): void {
    const { calls, queuedBytes } = this.#kit.engine.stats();
    const { maxQueue, maxQueueBytes, whenFull } = this.#limits;
    this.#hold(calls.open <= maxQueue, `${calls.open} open calls, of ${maxQueue}`);
    this.#hold(calls.open + calls.waiting <= this.#open.size, `${calls.open} open, ${calls.waiting} waiting`);
    this.#hold(queuedBytes <= maxQueueBytes || calls.open === 1, `${queuedBytes} bytes, of ${maxQueueBytes}`);
    this.#hold(whenFull === 'wait' || calls.waiting === 0, `${calls.waiting} calls wait`);
  }

  /** That nobody has written into an output since its call was over. */
  checkOuts(): void {
    for (const { out, then } of this.#outs) {
      this.#hold(isSame(out.data, then), 'an output was written after its call');
    }
  }

  #completed({ of, wanted, out }: ModelCall, result: AttentionResult, wasAbortedBefore: boolean): void {
    this.counts.completed++;
    this.#hold(!wasAbortedBefore, `${of.name} was computed though it had been aborted`);
    this.#hold(isSame(numbersOf(result), wanted.numbers), `other bytes of ${of.name}`);
    if (out !== undefined)
      this.#hold(result.output.data.buffer === out.data.buffer, `another out of ${of.name}`);
  }

  #rejected(call: ModelCall, error: unknown, wasAbortedBefore: boolean): void {
    const isAborted = call.abortReason !== undefined && error === call.abortReason;
    // What was aborted before it was made is no call.
    if (!wasAbortedBefore) this.counts[isAborted ? 'cancelled' : 'failed']++;
    if (isAborted) return;
    const code = error instanceof HeadpoolError ? error.code : undefined;
    this.#hold(!wasAbortedBefore && this.#mayFailWith(code, call), `${call.of.name}: ${String(error)}`);
  }

  #mayFailWith(code: ErrorCode | undefined, call: ModelCall): boolean {
    if (code === 'TIMEOUT') {
      const { calledMs, timeoutMs = Infinity } = call;
      return performance.now() - calledMs >= timeoutMs - timerErrorMs;
    }
    if (code === 'WORKER_LOST') {
      return this.#ending - call.endedBefore >= (call.of.worksInPlace ? 1 : 2);
    }
    if (code === 'QUEUE_FULL') {
      const { maxQueue, maxQueueBytes, whenFull } = this.#limits;
      const isFull = call.openBefore >= maxQueue || call.openBytesBefore + call.bytes > maxQueueBytes;
      return whenFull === 'error' && call.openBefore > 0 && isFull;
    }
    return false;
  }

  #hold(isTrue: boolean, what: string): void {
    if (!isTrue) this.faults.push(what);
  }
}

function isSame(a: Float32Array, b: Float32Array): boolean {
  const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
    new Uint8Array(buffer, byteOffset, byteLength);
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
}

async function withGuard<Result>(promise: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error('it does not settle'));
    }, guardMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function computeAlone(kernel: CpuKernelName): Promise<readonly Wanted[]> {
  await using engine = await createEngine({ kernel, threads: 1 });
  const kit = await openKit(engine);
  const wanted: Wanted[] = [];
  for (const of of cases) {
    const { result, bytes } = await bytesAlone(kit, of);
    const out = createOut(kit, result.output);
    const { bytes: bytesWithOut } = await bytesAlone(kit, of, { out });
    wanted.push({ numbers: numbersOf(result), output: result.output, bytes, bytesWithOut });
  }
  return wanted;
}

function drawEngine(draw: Draw, kernel: CpuKernelName, wanted: readonly Wanted[]) {
  const mostBytes = Math.max(...wanted.map(({ bytes }) => bytes));
  const limits = {
    maxQueue: draw.of([1, 8, mostOpen, 1024]),
    maxQueueBytes: Math.ceil(mostBytes * draw.of([0.5, 4, 100, 100])),
    whenFull: draw.of(['error', 'wait', 'wait'] as const),
  };
  const options: EngineOptions = {
    ...{ kernel, ...limits, threads: 1 + draw.below(3) },
    batching: { maxTokens: draw.of([0, 64, 512, 512]), maxDelayMs: draw.of([0, 2]) },
  };
  return { options, limits };
}

/** Makes calls as they come, some together and some after others, and ends workers meanwhile. */
async function makeCalls(
  model: Model,
  { calls, threads, wanted, limits }: Traffic,
  draw: Draw,
): Promise<void> {
  const open = new Set<Promise<void>>();
  const add = (work: Promise<void>): void => {
    const done = work.finally(() => open.delete(done));
    open.add(done);
  };
  const endLater = async (worker: number, ms: number): Promise<void> => {
    await sleep(ms);
    await model.end(worker);
  };
  // As many as are let in, more often than more.
  const width = Math.min(mostOpen, limits.whenFull === 'wait' ? mostOpen : limits.maxQueue);
  let most = width;
  for (let made = 0; made < calls;) {
    if (draw.chance(0.1)) most = draw.of([1, 4, width, width, mostOpen]);
    const among = draw.of([allOfThem, draw.of(families)]);
    for (let burst = 1 + draw.below(32); burst > 0 && model.open < most && made < calls; burst--, made++) {
      const n = draw.of(among);
      add(model.follow(cases[n]!, wanted[n]!, draw));
      if (draw.chance(1 / 50)) add(endLater(draw.below(threads), draw.below(4)));
    }
    model.look();
    if (model.open >= most) await Promise.race(open);
    if (draw.chance(0.3)) await new Promise(setImmediate);
    if (draw.chance(0.05)) await sleep(draw.below(4));
  }
  await Promise.all(open);
}

/** What is cancelled with the last of its calls is left by its workers a little later. */
async function untilMemoryIs(engine: Engine, bytes: number): Promise<number> {
  const end = performance.now() + guardMs;
  while (engine.stats().memoryBytes !== bytes && performance.now() < end) await sleep(1);
  return engine.stats().memoryBytes;
}

async function runEngine(
  t: ExecutionContext,
  {
    kernel,
    wanted,
    calls,
    number,
  }: { kernel: CpuKernelName; wanted: readonly Wanted[]; calls: number; number: number },
): Promise<void> {
  const draw = new Draw(seed + number);
  const { options, limits } = drawEngine(draw, kernel, wanted);
  const shown = `seed ${seed}, engine ${number}: ${JSON.stringify(options)}`;
  // Closed at the end only: with a call that hangs it never would be, and nobody would hear of the fault.
  const engine = await createEngine(options);
  const kit = await openKit(engine);
  const before = engine.stats();
  const model = new Model(kit, limits);
  await makeCalls(model, { calls, threads: options.threads!, wanted, limits }, draw);
  model.checkOuts();
  t.deepEqual(model.faults, [], shown);
  t.is(await untilMemoryIs(engine, before.memoryBytes), before.memoryBytes, shown);
  const { calls: counted, queuedBytes } = engine.stats();
  const completed = model.counts.completed + before.calls.completed;
  t.deepEqual(counted, { ...model.counts, completed, open: 0, waiting: 0 }, shown);
  t.is(queuedBytes, 0, shown);
  t.true(model.counts.completed > 0, shown);
  for (const n of [0, 20, cases.length - 1]) {
    assertSameBytes(t, numbersOf(await cases[n]!.call(kit, {})), wanted[n]!.numbers, shown);
  }
  await engine.close();
}

const sumOfShares = kernels.reduce((sum, kernel) => sum + shares[kernel], 0);

for (const [index, kernel] of kernels.entries()) {
  const calls = Math.ceil((allCalls * shares[kernel]) / sumOfShares / enginesOfKernel);
  test.serial(
    `${kernel}: ${enginesOfKernel * calls} calls end as a model says, with the bytes of each alone`,
    async (t) => {
      t.timeout(10 * guardMs);
      const wanted = await computeAlone(kernel);
      for (let n = 0; n < enginesOfKernel; n++) {
        await runEngine(t, { kernel, wanted, calls, number: enginesOfKernel * index + n });
      }
    },
  );
}
