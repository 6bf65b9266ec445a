// What both sides of `server.ts` measure of calls, whoever answers them: one caller alone, then many.
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { summarise, type Summary } from '../../../src/measure/statistics.js';
import type { EngineInfo } from '../../../src/index.js';
import { callInARow, keepCalling } from '../calls/manners.js';
import { callers, callersWork } from '../calls/many-callers.js';

export interface SampleRequest {
  readonly threads: number;
  /** Of each of the two. */
  readonly seconds: number;
}

export interface Sample {
  /** Milliseconds of a call of one caller, who makes the next one at once. */
  readonly alone: Summary;
  /** Milliseconds of a call among those of all callers. */
  readonly together: Summary;
  /** Milliseconds of a token, of all callers together. */
  readonly costMs: number;
  /** The share of this machine's cores that this process took meanwhile. */
  readonly cpuShare: number;
  /** Of all outputs, one after another. */
  readonly digest: string;
  /** Of who computed, where that is this process. */
  readonly engine: EngineInfo | null;
}

/** One side: a call of a sequence by one of the callers, the bytes of its output rows. */
export type CallOf = (sequence: number, caller: number) => Promise<Uint8Array>;

export const aloneTokens = 16;
/** Where the sequence of one caller alone stands: behind those of many. */
export const aloneSequence = callersWork.lengths.length;
export const sampleWork = { ...callersWork, lengths: [...callersWork.lengths, aloneTokens] };

const warmUpSeconds = 1;

export async function takeSample(
  call: CallOf,
  { seconds }: SampleRequest,
  engine: EngineInfo | null,
): Promise<Sample> {
  const digest = createHash('sha256');
  for (const sequence of sampleWork.lengths.keys()) digest.update(await call(sequence, 0));
  const callAlone = () => call(aloneSequence, 0);
  await callInARow(callAlone, warmUpSeconds);
  const alone = summarise(await callInARow(callAlone, seconds));
  let latencies: number[] = [];
  let cpu = process.cpuUsage();
  let startMs = performance.now();
  let cpuShare = 0;
  // Callers of `keepCalling` have no numbers: each call takes one that is free.
  const free = Array.from({ length: callers }, (_, caller) => caller);
  const costMs = await keepCalling({
    ...{ callers, lengths: callersWork.lengths, warmUpSeconds, seconds },
    call: async (sequence) => {
      const caller = free.pop()!;
      const calledMs = performance.now();
      await call(sequence, caller);
      latencies.push(performance.now() - calledMs);
      free.push(caller);
    },
    onStart: () => {
      latencies = [];
      cpu = process.cpuUsage();
      startMs = performance.now();
    },
    onEnd: () => {
      const { user, system } = process.cpuUsage(cpu);
      cpuShare = (user + system) / 1e3 / (performance.now() - startMs) / availableParallelism();
    },
  });
  return { alone, together: summarise(latencies), costMs, cpuShare, digest: digest.digest('hex'), engine };
}
