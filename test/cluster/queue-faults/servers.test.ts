// The servers that the tests of queues start: they keep their data over a stop, and end with who started them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import pg from 'pg';
import { makeFolder } from '../../helpers/make-folder.js';
import { hasSetpriv } from '../../helpers/programs.js';
import { backends, openQueueServer, queueServerProblem, type Backend } from '../../helpers/queue-servers.js';
import { testUnless } from '../../helpers/skips.js';

const child = fileURLToPath(new URL('server-child.js', import.meta.url));
const password = 'a password';

interface Client {
  write(value: string): Promise<unknown>;
  read(): Promise<string | null | undefined>;
  close(): Promise<unknown>;
}

const clients: Readonly<Record<Backend, (url: string) => Promise<Client>>> = {
  redis: async (url) => {
    const client = new Redis(url, { password, lazyConnect: true, retryStrategy: null });
    client.on('error', () => undefined); // It comes from the call, too.
    await client.connect();
    return {
      write: (value) => client.set('kept', value),
      read: () => client.get('kept'),
      close: () => client.quit(),
    };
  },
  postgres: async (url) => {
    const { hostname: host, port, username: user, pathname } = new URL(url);
    const client = new pg.Client({ host, port: Number(port), user, password, database: pathname.slice(1) });
    await client.connect();
    return {
      write: (value) => client.query(`create table kept as select '${value}' as value`),
      read: async () => (await client.query<{ value: string }>('select value from kept')).rows[0]?.value,
      close: () => client.end(),
    };
  },
};

for (const backend of backends) {
  const problem = queueServerProblem(backend);

  for (const how of ['orderly', 'crash'] as const) {
    testUnless(problem)(`${backend}: what was written is there after a stop (${how})`, async (t) => {
      const server = await openQueueServer(t, backend, { password });
      const before = await clients[backend](server.url);
      await before.write('a value');
      await before.close();
      await server.stop(how);
      await t.throwsAsync(clients[backend](server.url));
      await server.start();
      const after = await clients[backend](server.url);
      t.is(await after.read(), 'a value');
      await after.close();
    });
  }

  testUnless(problem)(`${backend}: frozen it answers nobody, thawed it does`, async (t) => {
    const server = await openQueueServer(t, backend, { password });
    const client = await clients[backend](server.url);
    await client.write('a value');
    server.freeze();
    const answer = client.read();
    t.is(await Promise.race([answer, sleep(500, 'nothing')]), 'nothing');
    server.thaw();
    t.is(await answer, 'a value');
    await client.close();
  });

  testUnless(problem ?? (hasSetpriv ? undefined : 'there is no setpriv'))(
    `${backend}: a server ends with the process that started it, killed as it may be`,
    async (t) => {
      const folder = await makeFolder(t);
      await chmod(folder, 0o755); // Whose rights the server has is for itself to say.
      const parent = spawn(process.execPath, [child, backend], {
        env: { ...process.env, TMPDIR: folder },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [url] = (await once(createInterface(parent.stdout), 'line')) as [string];
      const port = Number(new URL(url).port);
      t.true(await isOpen(port));
      parent.kill('SIGKILL');
      while (await isOpen(port)) await sleep(50);
      t.false(await isOpen(port));
    },
  );
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return once(socket, 'connect').then(
    () => {
      socket.destroy();
      return true;
    },
    () => false,
  );
}
