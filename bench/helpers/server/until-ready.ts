// Waits until the server of examples/server, which is a process, can compute.
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const leastWaitMs = 20;
const startMs = 60_000;
const answerMs = 2000;

/** Resolves to its address. @param log its lines, as they come @throws Error if it never can */
export async function untilReady(child: ChildProcess, log: readonly string[]): Promise<string> {
  const giveUpMs = performance.now() + startMs;
  while (child.exitCode === null && performance.now() < giveUpMs) {
    const url = /http:\/\/[\w.]+:\d+/.exec(log.join('\n'))?.[0];
    if (url !== undefined && (await isReady(url))) return url;
    await sleep(leastWaitMs);
  }
  const what = child.exitCode === null ? 'is not ready' : `ended with ${child.exitCode}`;
  child.kill('SIGKILL');
  throw new Error(`The server ${what}:\n${log.join('\n')}`);
}

async function isReady(url: string): Promise<boolean> {
  // A server that ends at once is no longer there to be asked.
  return fetch(`${url}/readyz`, { signal: AbortSignal.timeout(answerMs) }).then(
    ({ ok }) => ok,
    () => false,
  );
}
