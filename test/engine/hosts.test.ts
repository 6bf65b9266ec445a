// The library inside other people's processes and threads: it leaves nothing behind and says nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { countAfterRounds } from '../helpers/closing-rounds.js';
import { testSeriallyUnless } from '../helpers/skips.js';
import { countThreads, countThreadsAtRest, threadsProblem } from '../helpers/threads.js';
import { runOnce } from './hosts/job.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'uncaughtException', 'unhandledRejection'] as const;

for (const [what, file] of [
  ['close', 'script.js'],
  ['a close that had a time, under callers that never stop', 'endless.js'],
] as const) {
  test(`a process ends by itself after ${what}, and the library printed nothing`, async (t) => {
    const script = fileURLToPath(new URL(`hosts/${file}`, import.meta.url));
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    t.is(code, 0);
    t.is(printed, '');
  });
}

test('the library works inside a worker thread of its host, with the same result', async (t) => {
  const worker = new Worker(new URL('hosts/nested.js', import.meta.url));
  const [result] = (await once(worker, 'message')) as [number];
  await once(worker, 'exit');
  t.is(result, await runOnce());
});

test('a worker thread of the host ends by itself after a close that had a time', async (t) => {
  const worker = new Worker(new URL('hosts/endless.js', import.meta.url));
  const [code] = (await once(worker, 'exit')) as [number];
  t.is(code, 0);
});

testSeriallyUnless(threadsProblem)(
  'a worker thread that its host ends takes those of its engine along',
  async (t) => {
    const before = await countThreadsAtRest();
    const worker = new Worker(new URL('hosts/busy.js', import.meta.url));
    await once(worker, 'message');
    t.true(countThreads() > before + 2);
    await worker.terminate();
    t.is(await countThreadsAtRest(), before);
  },
);

testSeriallyUnless(threadsProblem)(
  '30 engines that are closed under their calls leave no thread',
  async (t) => {
    const { first, last, stopped } = await countAfterRounds(30);
    t.is(last, first);
    t.true(stopped > 30, `${stopped} calls were stopped`);
  },
);

test('no signal handlers are installed', async (t) => {
  const before = signals.map((name) => process.listenerCount(name));
  await runOnce();
  t.deepEqual(
    signals.map((name) => process.listenerCount(name)),
    before,
  );
});
