// A server that takes connections and says nothing, as one that is frozen does: it is waited for.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import test from 'ava';
import { waitForServer } from '../../../src/cluster/queue/bullmq/probe.js';
import { parseServer } from '../../../src/cluster/queue/connection.js';

for (const scheme of ['redis', 'postgres']) {
  test(`${scheme}: a server that says nothing is waited for, and its silence is told once`, async (t) => {
    t.timeout(60_000);
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1');
    t.teardown(() => {
      silent.close();
      for (const socket of sockets) socket.destroy();
    });
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const server = parseServer(`${scheme}://127.0.0.1:${port}/0`, { user: 'nobody', password: undefined });
    const told: string[] = [];
    const controller = new AbortController();
    const waiting = waitForServer(server, {
      mostMs: 50_000,
      signal: controller.signal,
      onWait: (reason) => {
        told.push(reason);
        controller.abort(new Error('enough'));
      },
    });
    await t.throwsAsync(waiting, { message: 'enough' });
    t.is(told.length, 1);
    t.regex(told[0]!, new RegExp(`127\\.0\\.0\\.1:${port}`));
  });
}
