// Servers that go away and come back, and workers that end without a word, while jobs are under way.
import { setTimeout as sleep } from 'node:timers/promises';
import { JobLost } from '../../../src/cluster/queue/run-queue.js';
import { doAll, nameOf, openBench, result, runOf, untilTrue } from '../../helpers/job-queues.js';
import { backends, openQueueServer, queueServerProblem } from '../../helpers/queue-servers.js';
import { testUnless } from '../../helpers/skips.js';

const none = (): boolean => false;

for (const backend of backends) {
  const testIt = testUnless(queueServerProblem(backend));

  testIt(`${backend}: a server that is away for less than a lock costs nothing`, async (t) => {
    const server = await openQueueServer(t, backend);
    const { queue, source, state } = await openBench(t, server.url);
    await queue.submit(runOf(2), none);
    const worker = await source();
    const job = await worker.take();
    await server.stop();
    await untilTrue(() => worker.notes.length > 0);
    t.regex(worker.notes[0]!, /^the queue is away \((Redis|PostgreSQL) at 127\.0\.0\.1:/);
    // It is done while nobody can be told.
    const completing = job.complete(result);
    await sleep(2000);
    await server.start();
    await completing;
    t.false(job.signal.aborted);
    t.deepEqual(await doAll(worker), ['shard 2', 'merge']);
    t.deepEqual(worker.notes.slice(1), ['the queue is there again']);
    t.like(await state(), { state: 'done', done: 2, failures: [] });
  });

  testIt(
    `${backend}: a server that comes back after a lock has ended leaves the job to one worker`,
    async (t) => {
      const server = await openQueueServer(t, backend);
      const { queue, source, state } = await openBench(t, server.url);
      await queue.submit(runOf(1), none);
      const worker = await source(1500);
      const job = await worker.take();
      await server.stop('crash');
      await sleep(3000);
      await server.start();
      await untilTrue(() => worker.notes.length > 1);
      // Redis forgets a lock that has ended; PostgreSQL keeps it until somebody takes the job.
      await sleep(2000);
      const isLost = job.signal.aborted;
      if (backend === 'redis') t.true(job.signal.reason instanceof JobLost);
      // Of a lost one nobody minds what it has to say.
      await job.complete(result);
      t.deepEqual(await doAll(worker), isLost ? ['shard 1', 'merge'] : ['merge']);
      t.like(await state(), { state: 'done', failures: [] });
    },
  );

  testIt(
    `${backend}: a worker that stops while the server is away ends, and its job is another's later`,
    async (t) => {
      const server = await openQueueServer(t, backend);
      const { queue, source } = await openBench(t, server.url);
      await queue.submit(runOf(1), none);
      const worker = await source(1500);
      const job = await worker.take();
      await server.stop();
      worker.stop.abort();
      const startMs = performance.now();
      await job.giveBack(0);
      await worker.source.close();
      const tookMs = performance.now() - startMs;
      t.true(tookMs < 40_000, `${tookMs} ms`);
      await server.start();
      t.deepEqual(await doAll(await source(5000)), ['shard 1', 'merge']);
    },
  );

  testIt(
    `${backend}: the job of a worker that is gone is another's when its lock ends, any number of times`,
    async (t) => {
      const server = await openQueueServer(t, backend);
      const { queue, source, state } = await openBench(t, server.url);
      await queue.submit(runOf(1), none);
      for (let times = 0; times < 3; times++) {
        const worker = await source(1000);
        t.is(nameOf(await worker.take()), 'shard 1');
        await worker.source.close();
      }
      t.deepEqual(await doAll(await source(5000)), ['shard 1', 'merge']);
      t.like(await state(), { state: 'done', failures: [] });
    },
  );

  testIt(`${backend}: a worker that is told to stop takes no more jobs`, async (t) => {
    const server = await openQueueServer(t, backend);
    const { source } = await openBench(t, server.url);
    const worker = await source();
    const taking = worker.source.take(worker.stop.signal);
    await sleep(200);
    const startMs = performance.now();
    worker.stop.abort();
    t.is(await taking, undefined);
    t.true(performance.now() - startMs < 5000);
    await worker.source.close();
  });
}
