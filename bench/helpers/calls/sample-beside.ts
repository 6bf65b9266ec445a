// A process of `calls.ts`: a short call now and then, an endless row of large calls, each alone and then both on one
// engine. What they took, as JSON on stdout.
import { createEngine, type AttentionOptions, type EngineInfo } from '../../../src/index.js';
import { planCase } from '../../../src/measure/cases/plan.js';
import { time } from '../../../src/measure/pairs.js';
import { mean } from '../../../src/measure/statistics.js';
import { longestUnitMs } from './longest-unit.js';
import { callAfterPauses, callInARow } from './manners.js';
import { openHeadpool } from './open-headpool.js';
import { callEach, checkOutputs, drawWork, type Work } from './works.js';

export interface BesideRequest {
  readonly modelDim: number;
  readonly heads: number;
  readonly smallTokens: number;
  readonly largeTokens: number;
  /** From the end of a small call to the next one. */
  readonly pauseMs: number;
  readonly threads: number;
  /** Of each of the three, at least. */
  readonly seconds: number;
}

export interface BesideAnswer {
  readonly engine: EngineInfo;
  /** Of small calls alone, and beside large ones. */
  readonly aloneMs: readonly number[];
  readonly besideMs: readonly number[];
  /** Of a large call alone, and beside small ones: means, as they follow one another. */
  readonly largeAloneMs: number;
  readonly largeBesideMs: number;
  readonly longestUnitMs: number;
}

/** What a host says of calls that nobody waits for. */
const largeOptions: AttentionOptions = { priority: 'batch' };

const leastSmallCalls = 20;
const leastLargeCalls = 3;
const warmUpSeconds = 0.3;

const { modelDim, heads, pauseMs, threads, seconds, ...tokens } = JSON.parse(
  process.argv[2]!,
) as BesideRequest;
const small: Work = { modelDim, heads, lengths: [tokens.smallTokens] };
const large: Work = { modelDim, heads, lengths: [tokens.largeTokens] };
await using engine = await createEngine({ threads });
await using open = await openHeadpool(engine, small);
const { rows } = drawWork(large);
const callSmall = (): Promise<unknown> => open.call(0);
const callLarge = () => open.layer.forward(rows, largeOptions);
checkOutputs(await callEach(open, small), small);
checkOutputs((await callLarge()).output.data, large);

await callInARow(callSmall, warmUpSeconds);
const smallEndMs = performance.now() + seconds * 1e3;
const aloneMs = await callAfterPauses(callSmall, pauseMs, () => performance.now() >= smallEndMs);

const before = engine.stats();
const largeTimes = await callInARow(callLarge, seconds);
const after = engine.stats();

const besideTimes: number[] = [];
let isOver = false;
const { promise: isUnderWay, resolve: startSmall } = createSignal();
const keepLargeCalling = async (): Promise<void> => {
  await callLarge();
  startSmall();
  while (!isOver) besideTimes.push(await time(callLarge));
};
const largeCalls = keepLargeCalling();
await Promise.race([isUnderWay, largeCalls]);
const endMs = performance.now() + seconds * 1e3;
const besideMs = await callAfterPauses(
  callSmall,
  pauseMs,
  (calls) => performance.now() >= endMs && calls >= leastSmallCalls && besideTimes.length >= leastLargeCalls,
);
isOver = true;
await largeCalls;

const answer: BesideAnswer = {
  engine: engine.info,
  aloneMs,
  besideMs,
  largeAloneMs: mean(largeTimes),
  // Half of the last one had the engine to itself.
  largeBesideMs: mean(besideTimes.slice(0, -1)),
  longestUnitMs: longestUnitMs(planLarge(), phaseMsOfCall(), threads),
};
console.log(JSON.stringify(answer));

function planLarge() {
  return planCase({
    ...{
      mode: 'layer',
      modelDim,
      heads,
      kvHeads: heads,
      headDim: modelDim / heads,
      tokens: tokens.largeTokens,
    },
    ...{ batch: 1, causal: false, window: null, dtype: 'f32', options: 'none' },
  }).phases;
}

function phaseMsOfCall() {
  const names = Object.keys(after.phaseMs) as (keyof typeof after.phaseMs)[];
  const msOf = (name: (typeof names)[number]): number =>
    (after.phaseMs[name]! - (before.phaseMs[name] ?? 0)) / largeTimes.length;
  return Object.fromEntries(names.map((name) => [name, msOf(name)]));
}

function createSignal(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((keep) => {
    resolve = keep;
  });
  return { promise, resolve };
}
