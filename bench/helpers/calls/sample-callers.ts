// A process of `calls.ts`: many callers of one layer, by turns with one ragged batch of the same sequences, and what the
// event loop of the host notices of them. What it took, as JSON on stdout.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEngine, type EngineInfo } from '../../../src/index.js';
import { median } from '../../../src/measure/statistics.js';
import { callInARow, keepCalling } from './manners.js';
import { openHeadpool } from './open-headpool.js';
import { settleReference, type Reference } from './references.js';
import { callEach, countTokens, drawWork, offsetsOf, type Work } from './works.js';

export interface CallersRequest {
  readonly work: Work;
  readonly callers: number;
  readonly threads: number;
  /** Of callers and of batches, in all. */
  readonly seconds: number;
  readonly reference: Reference;
}

export interface CallersAnswer {
  readonly engine: EngineInfo;
  /** Milliseconds of a token, turn by turn. */
  readonly callersMs: readonly number[];
  readonly batchMs: readonly number[];
  /** The 99th percentile of the event loop's delay, without calls and under the callers. */
  readonly idleDelayMs: number;
  readonly delayMs: number;
}

const turns = 2;
const warmUpSeconds = 0.2;
const idleSeconds = 1;

const { work, callers, threads, seconds, reference } = JSON.parse(process.argv[2]!) as CallersRequest;
const { lengths } = work;
await using engine = await createEngine({ threads });
await using open = await openHeadpool(engine, work);
const { rows } = drawWork(work);
const offsets = offsetsOf(lengths);
const callBatch = () => open.layer.forward(rows, { offsets });
await settleReference(await callEach(open, work), reference, work);
await settleReference((await callBatch()).output.data, { ...reference, isWritten: false }, work);

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
await sleep(idleSeconds * 1e3);
const idleDelayMs = readDelay();

const callersMs: number[] = [];
const batchMs: number[] = [];
const delays: number[] = [];
const takeTurn = {
  callers: async (): Promise<void> => {
    const msPerToken = await keepCalling({
      ...{ callers, lengths, call: open.call, warmUpSeconds, seconds: seconds / turns / 2 },
      onStart: () => {
        delay.reset();
      },
      onEnd: () => {
        delays.push(readDelay());
      },
    });
    callersMs.push(msPerToken);
  },
  batch: async (): Promise<void> => {
    const times = await callInARow(callBatch, seconds / turns / 2);
    batchMs.push(median(times) / countTokens(work));
  },
};
for (let turn = 0; turn < turns; turn++) {
  const order = ['callers', 'batch'] as const;
  for (const which of turn % 2 === 0 ? order : order.toReversed()) await takeTurn[which]();
}
const answer: CallersAnswer = {
  engine: engine.info,
  callersMs,
  batchMs,
  idleDelayMs,
  delayMs: Math.max(...delays),
};
console.log(JSON.stringify(answer));

function readDelay(): number {
  return delay.percentile(99) / 1e6;
}
