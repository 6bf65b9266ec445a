// The library inside other people's processes and threads: it leaves nothing behind and says nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { runOnce } from './hosts/job.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'uncaughtException', 'unhandledRejection'] as const;

test('a process ends by itself after close, and the library printed nothing', async (t) => {
  const script = fileURLToPath(new URL('hosts/script.js', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  t.is(code, 0);
  t.is(printed, '');
});

test('the library works inside a worker thread of its host, with the same result', async (t) => {
  const worker = new Worker(new URL('hosts/nested.js', import.meta.url));
  const [result] = (await once(worker, 'message')) as [number];
  await once(worker, 'exit');
  t.is(result, await runOnce());
});

test('no signal handlers are installed', async (t) => {
  const before = signals.map((name) => process.listenerCount(name));
  await runOnce();
  t.deepEqual(
    signals.map((name) => process.listenerCount(name)),
    before,
  );
});
