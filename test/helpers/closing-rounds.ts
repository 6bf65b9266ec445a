// Engines that are started, given calls and closed by a time, one after the other: what they leave behind.
import { codeOf, longInput, rejection, startLayer } from './long-calls.js';
import { kernels } from './engines.js';
import { countThreadsAtRest } from './threads.js';
import { createEngine } from '../../src/engine/engine.js';

/** Threads of the process after the first round and after the last, and calls that were stopped. */
export async function countAfterRounds(
  rounds: number,
): Promise<Record<'first' | 'last' | 'stopped', number>> {
  let stopped = await closeUnderCalls(0);
  const first = await countThreadsAtRest();
  for (let round = 1; round < rounds; round++) stopped += await closeUnderCalls(round);
  return { first, last: await countThreadsAtRest(), stopped };
}

/** @returns how many calls were stopped */
async function closeUnderCalls(round: number): Promise<number> {
  const kernel = kernels[round % kernels.length]!;
  const engine = await createEngine({ kernel, threads: 2, maxQueue: 1 + (round % 2), whenFull: 'wait' });
  const layer = await startLayer(engine);
  const x = longInput(engine, round % 4 === 0 ? 20_000 : 20);
  const calls = [1, 2, 3].map(() => rejection(layer.forward(x)));
  await engine.close({ timeoutMs: round % 5 });
  const errors = (await Promise.all(calls)).filter((error) => error !== undefined);
  for (const error of errors) if (codeOf(error) !== 'ENGINE_CLOSED') throw error as Error;
  return errors.length;
}
