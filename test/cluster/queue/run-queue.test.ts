// A run as jobs of a real queue: what is added, what becomes of it, and what is taken out again.
import test from 'ava';
import { openBackend } from '../../../src/cluster/queue/bullmq/backend.js';
import { readRuns } from '../../../src/cluster/queue/bullmq/read-runs.js';
import { JobCancelled, type TakenJob } from '../../../src/cluster/queue/run-queue.js';
import { HeadpoolError } from '../../../src/core/errors.js';
import {
  doAll,
  nameOf,
  openBench,
  placeOfServer,
  result,
  runOf,
  untilTrue,
} from '../../helpers/job-queues.js';
import {
  backends,
  queueServerProblem,
  startQueueServer,
  type QueueServer,
} from '../../helpers/queue-servers.js';
import { testUnless } from '../../helpers/skips.js';

const none = (): boolean => false;
const all = (): boolean => true;

for (const backend of backends) {
  const problem = queueServerProblem(backend);
  const testIt = testUnless(problem);
  let server: QueueServer;
  if (problem === undefined) {
    test.before(async () => {
      server = await startQueueServer(backend);
    });
    test.after.always(() => server.close());
  }

  testIt(`${backend}: a run that is submitted twice is there once`, async (t) => {
    const { queue, state } = await openBench(t, server.url);
    t.deepEqual(await queue.submit(runOf(5), none), { added: 5, present: 0, retried: 0 });
    t.deepEqual(await queue.submit(runOf(5), none), { added: 0, present: 5, retried: 0 });
    t.like(await state(), { ...runOf(5), state: 'waiting', done: 0, waiting: 5, failed: 0 });
  });

  testIt(`${backend}: two that submit at once add it once`, async (t) => {
    const { queue, source } = await openBench(t, server.url);
    await Promise.all([queue.submit(runOf(3), none), queue.submit(runOf(3), none)]);
    t.is((await doAll(await source())).length, 4);
  });

  testIt(`${backend}: the merge comes when all shards are done, and what they came to adds up`, async (t) => {
    const { queue, source, state } = await openBench(t, server.url);
    await queue.submit(runOf(3), none);
    const worker = await source();
    for (const name of ['shard 1', 'shard 2', 'shard 3']) {
      const job = await worker.take();
      t.is(nameOf(job), name);
      await job.complete(result);
    }
    t.like(await state(), { state: 'waiting', done: 3, sequences: 6, tokens: 30 });
    t.false(await worker.source.isEmpty());
    const merge = await worker.take();
    t.is(nameOf(merge), 'merge');
    merge.report({ host: 'here', pid: 7, ...result, tokensPerSecond: 5 });
    await untilTrue(async () => (await state()).workers.length > 0);
    await merge.complete({ sequences: 6, tokens: 30 });
    t.like(await state(), { state: 'done', done: 3, waiting: 0, sequences: 6, tokens: 30, workers: [] });
    t.true(await worker.source.isEmpty());
    t.deepEqual(await queue.submit(runOf(3), all), { added: 0, present: 3, retried: 0 });
  });

  testIt(`${backend}: jobs that move on while they are looked for are seen all the same`, async (t) => {
    const { bullmq, options, factory } = await openBackend(placeOfServer(server.url), 'short');
    for (const after of [0, 1, 2, 3, 4]) {
      const { name, queue, source } = await openBench(t, server.url);
      await queue.submit(runOf(2), none);
      const looking = new bullmq.Queue(name, options, factory);
      t.teardown(() => looking.close());
      const readWhile = async (move: () => Promise<void>) => {
        let reads = 0;
        const getRanges = looking.getRanges.bind(looking);
        looking.getRanges = async (...states) => {
          const ids = await getRanges(...states);
          if (reads++ === after) await move();
          return ids;
        };
        const [run, ...others] = await readRuns({ queue: looking });
        looking.getRanges = getRanges;
        t.deepEqual(others, []);
        return run;
      };
      const worker = await source();
      const jobs: TakenJob[] = [];
      const read = await readWhile(async () => {
        jobs.push(await worker.take());
      });
      t.is(read?.done, 0, `a shard that is taken after list ${after}`);
      await jobs[0]!.complete(result);
      const last = await worker.take();
      const merging = await readWhile(() => last.complete(result));
      t.is(merging?.state, 'waiting', `a merge whose shards are done after list ${after}`);
    }
  });

  testIt(`${backend}: a worker is seen at its shard, with what it has done`, async (t) => {
    const { queue, source, state } = await openBench(t, server.url);
    await queue.submit(runOf(2), none);
    const job = await (await source()).take();
    job.report({ host: 'here', pid: 7, sequences: 1, tokens: 4, tokensPerSecond: 2.5 });
    await untilTrue(async () => (await state()).workers.length > 0);
    const seen = await state();
    t.like(seen, { underWay: 1, waiting: 1, done: 0, tokens: 4 });
    t.like(seen.workers[0], { host: 'here', pid: 7, shard: 1, tokens: 4, tokensPerSecond: 2.5 });
    job.report({ host: 'here', pid: 7, sequences: 2, tokens: 9, tokensPerSecond: 3 });
    await untilTrue(async () => (await state()).tokens === 9);
    await job.giveBack(0);
  });

  testIt(
    `${backend}: a shard that failed for good keeps the merge away until it is submitted again`,
    async (t) => {
      const { queue, source, state } = await openBench(t, server.url);
      await queue.submit(runOf(2), none);
      const worker = await source();
      await (await worker.take()).fail(new HeadpoolError('INVALID_FILE', 'x.npy: has changed'), true);
      await (await worker.take()).complete(result);
      t.is(await worker.source.take(worker.stop.signal), undefined);
      t.true(await worker.source.isEmpty());
      const failures = [{ shard: 1, reason: 'x.npy: has changed', isRetried: false }];
      t.like(await state(), { state: 'waiting', done: 1, failed: 1, failures });
      t.deepEqual(await queue.submit(runOf(2), (shard) => shard === 2), { added: 0, present: 1, retried: 1 });
      t.deepEqual(await doAll(worker), ['shard 1', 'merge']);
      t.like(await state(), { state: 'done', done: 2, failed: 0, failures: [] });
    },
  );

  testIt(
    `${backend}: a merge that failed for good is tried again when the run is submitted again`,
    async (t) => {
      const { queue, source, state } = await openBench(t, server.url);
      await queue.submit(runOf(1), none);
      const worker = await source();
      await (await worker.take()).complete(result);
      await (await worker.take()).fail(new Error('a part is damaged'), true);
      t.like(await state(), { state: 'failed', done: 1, failures: [{ shard: undefined }] });
      await queue.submit(runOf(1), all);
      t.deepEqual(await doAll(worker), ['merge']);
    },
  );

  testIt(`${backend}: any other failure is tried again after a while`, async (t) => {
    const { queue, source, state } = await openBench(t, server.url);
    await queue.submit(runOf(1), none);
    const worker = await source();
    await (await worker.take()).fail(new Error('the disk is full'), false);
    const failures = [{ shard: 1, reason: 'the disk is full', isRetried: true }];
    t.like(await state(), { waiting: 1, failed: 0, failures });
    t.false(await worker.source.isEmpty());
    t.deepEqual(await doAll(worker), ['shard 1', 'merge']);
  });

  testIt(`${backend}: a job that is given back can be taken at once, as often as it has to be`, async (t) => {
    const { queue, source, state } = await openBench(t, server.url);
    await queue.submit(runOf(1), none);
    const [one, other] = [await source(), await source()];
    for (let times = 0; times < 10; times++) await (await one.take()).giveBack(0);
    t.deepEqual(await doAll(other), ['shard 1', 'merge']);
    t.like(await state(), { state: 'done', failures: [] });
  });

  testIt(`${backend}: a job that is given back for a while is not taken before`, async (t) => {
    const { queue, source } = await openBench(t, server.url);
    await queue.submit(runOf(1), none);
    const worker = await source();
    const job = await worker.take();
    const startMs = performance.now();
    await job.giveBack(2500);
    await worker.take();
    const tookMs = performance.now() - startMs;
    t.true(tookMs > 2000 && tookMs < 30_000, `${tookMs} ms`);
  });

  testIt(`${backend}: shards that are no longer on the disk are added anew`, async (t) => {
    const { queue, source, state } = await openBench(t, server.url);
    await queue.submit(runOf(3), none);
    const worker = await source();
    await doAll(worker);
    t.deepEqual(await queue.submit(runOf(3), (shard) => shard !== 2), { added: 1, present: 2, retried: 0 });
    t.like(await state(), { state: 'waiting', done: 2, waiting: 1 });
    t.deepEqual(await doAll(worker), ['shard 2', 'merge']);
    t.deepEqual(await queue.submit(runOf(3), none), { added: 3, present: 0, retried: 0 });
    t.deepEqual(await doAll(worker), ['shard 1', 'shard 2', 'shard 3', 'merge']);
  });

  testIt(`${backend}: the same before the merge, while others are still to be done`, async (t) => {
    const { queue, source } = await openBench(t, server.url);
    await queue.submit(runOf(3), none);
    const worker = await source();
    await (await worker.take()).complete(result);
    t.deepEqual(await queue.submit(runOf(3), none), { added: 1, present: 2, retried: 0 });
    t.deepEqual(await doAll(worker), ['shard 2', 'shard 3', 'shard 1', 'merge']);
  });

  testIt(`${backend}: a cancelled run that nobody is at is gone at once, and others stay`, async (t) => {
    const { queue, source, state } = await openBench(t, server.url);
    await queue.submit(runOf(4), none);
    await queue.submit(runOf(2, 2), none);
    t.deepEqual(await queue.cancel(runOf(4).run), { removed: 4, underWay: 0 });
    t.like(await state(), runOf(2, 2));
    t.deepEqual(await doAll(await source()), ['shard 1', 'shard 2', 'merge']);
    t.is(await queue.cancel(runOf(4).run), undefined);
    t.is(await queue.cancel(runOf(2, 2).run), undefined);
  });

  testIt(
    `${backend}: what is under way of a cancelled run is told to end, and then the run is gone`,
    async (t) => {
      const { queue, source, state } = await openBench(t, server.url);
      await queue.submit(runOf(4), none);
      const [one, other] = [await source(), await source()];
      await (await one.take()).complete(result);
      const jobs = [await one.take(), await other.take()];
      t.deepEqual(await queue.cancel(runOf(4).run), { removed: 1, underWay: 2 });
      t.is((await state()).state, 'cancelled');
      await t.throwsAsync(queue.submit(runOf(4), none), { code: 'OUTPUT_IN_USE' });
      for (const job of jobs) {
        await untilTrue(() => job.signal.aborted);
        t.true(job.signal.reason instanceof JobCancelled);
        await job.drop();
      }
      t.deepEqual(await queue.read(), []);
      t.deepEqual(await queue.submit(runOf(4), (shard) => shard === 1), { added: 4, present: 0, retried: 0 });
      t.is((await doAll(one)).length, 5);
    },
  );
}
