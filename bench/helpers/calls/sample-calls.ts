// A process of `calls.ts`: calls of one side, ours or onnxruntime-node's, checked and then timed. What they took, as JSON on
// stdout.
import { createEngine, type EngineInfo } from '../../../src/index.js';
import { median, summarise, type Summary } from '../../../src/measure/statistics.js';
import { callByTheClock, callInARow, keepCalling } from './manners.js';
import { openHeadpool } from './open-headpool.js';
import { openOnnx } from './open-onnx.js';
import { settleReference, type Reference } from './references.js';
import { callEach, type OpenWork, type Work } from './works.js';

/** How the calls follow one another. */
export type Manner =
  | { readonly kind: 'in a row' }
  | { readonly kind: 'by the clock'; readonly everyMs: number }
  | { readonly kind: 'many callers'; readonly callers: number };

export interface CallsRequest {
  readonly work: Work;
  readonly manner: Manner;
  /** Of onnxruntime-node; null is our side. */
  readonly form: string | null;
  readonly threads: number;
  readonly seconds: number;
  readonly reference: Reference;
}

export interface CallsAnswer {
  readonly engine: EngineInfo | null;
  /** Of whose calls these are. */
  readonly version: string;
  /** Milliseconds of a call; null where many are open at a time. */
  readonly latencyMs: Summary | null;
  /** The median of a call, or where many are open at a time the mean of a token. */
  readonly costMs: number;
  /** From the reference, as a share of the largest number. */
  readonly difference: number;
}

// Until pages, caches and compiled code have settled: results come from memory that was there before.
const warmUpSeconds = 2.5;

const { work, manner, form, threads, seconds, reference } = JSON.parse(process.argv[2]!) as CallsRequest;
if (form === null) {
  await using engine = await createEngine({ threads });
  await using open = await openHeadpool(engine, work);
  console.log(JSON.stringify(await answer(open, { engine: engine.info, version: engine.info.version })));
} else {
  await using open = await openOnnx(work, { form, threads });
  console.log(JSON.stringify(await answer(open, { engine: null, version: open.version })));
}

async function answer(open: OpenWork, side: Pick<CallsAnswer, 'engine' | 'version'>): Promise<CallsAnswer> {
  const difference = await settleReference(await callEach(open, work), reference, work);
  const call = (): Promise<unknown> => open.call(0);
  await callInARow(call, warmUpSeconds);
  if (manner.kind === 'many callers') {
    const { callers } = manner;
    const { lengths } = work;
    const costMs = await keepCalling({ callers, lengths, call: open.call, warmUpSeconds, seconds });
    return { ...side, latencyMs: null, costMs, difference };
  }
  const times =
    manner.kind === 'in a row'
      ? await callInARow(call, seconds)
      : await callByTheClock(call, manner.everyMs, seconds);
  return { ...side, latencyMs: summarise(times), costMs: median(times), difference };
}
