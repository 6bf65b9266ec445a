// Servers that are no good for a queue, or won't have us.
import test from 'ava';
import { openRunQueue } from '../../../src/cluster/queue/bullmq/open-queue.js';
import { assertRefused } from '../../helpers/assertions.js';
import { placeOfServer } from '../../helpers/job-queues.js';
import { backends, openQueueServer, queueServerProblem } from '../../helpers/queue-servers.js';
import { testUnless } from '../../helpers/skips.js';

for (const backend of backends) {
  const testIt = testUnless(queueServerProblem(backend));

  testIt(`${backend}: a wrong password is refused at once, and said nowhere`, async (t) => {
    const server = await openQueueServer(t, backend, { password: 'right-secret' });
    await (await openRunQueue('jobs', placeOfServer(server.url, 'right-secret'))).close();
    const startMs = performance.now();
    for (const password of ['wrong-secret', undefined]) {
      const error = await t.throwsAsync(openRunQueue('jobs', placeOfServer(server.url, password)), {
        code: 'QUEUE_UNAVAILABLE',
      });
      t.notRegex(JSON.stringify(error, Object.getOwnPropertyNames(error)), /secret/);
    }
    t.true(performance.now() - startMs < 5000);
    const queue = await openRunQueue('jobs', placeOfServer(server.url, 'right-secret'));
    t.deepEqual(await queue.read(), []);
    await queue.close();
  });
}

testUnless(queueServerProblem('redis'))('a Redis that may throw jobs away is refused', async (t) => {
  const server = await openQueueServer(t, 'redis', { settings: { 'maxmemory-policy': 'allkeys-lru' } });
  await assertRefused(t, () => openRunQueue('jobs', placeOfServer(server.url)), {
    code: 'QUEUE_UNAVAILABLE',
    what: ['allkeys-lru', 'config set maxmemory-policy noeviction'],
  });
});

for (const url of ['redis://127.0.0.1:9', 'postgres://127.0.0.1:9']) {
  test(`${url}: who asks a server that isn't there is told after ten seconds`, async (t) => {
    const startMs = performance.now();
    await assertRefused(t, () => openRunQueue('jobs', placeOfServer(url)), {
      code: 'QUEUE_UNAVAILABLE',
      what: ['127.0.0.1:9', 'ECONNREFUSED'],
    });
    const tookMs = performance.now() - startMs;
    t.true(tookMs > 8000 && tookMs < 20_000, `${tookMs} ms`);
  });
}
