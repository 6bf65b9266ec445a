// The server of examples/server under attack: whatever others do, an honest client is answered with the right bytes, memory
// and threads stay where they were, and SIGTERM ends it with 0.
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { createRandom } from '../../src/core/tensor/random.js';
import { createCases } from '../fuzz/cases.js';
import { safetensors } from '../fuzz/targets/arrays.js';
import {
  safetensorsType,
  served,
  startServer,
  type ExampleServer,
  type Variables,
} from '../helpers/example-server.js';
import { ask, prepareQuestion, startProbe, type Question } from '../helpers/probe.js';
import { lookAt } from '../helpers/process-figures.js';
import { head, open, say, type Ending, type SlowBytes } from '../helpers/raw-requests.js';

/** Short, so that what the server waits for is over soon. */
const requestMs = 3000;
const impatient: Variables = { REQUEST_TIMEOUT_MS: String(requestMs) };
const limits: Variables = {
  MAX_CONNECTIONS: '400',
  MAX_SESSIONS: '8',
  SESSION_IDLE_MS: '1000',
};
/** What the server may take beside what it had. */
const mostGrowth = 200e6;
/** A busy machine is late. */
const patienceMs = 60_000;

type Attack = (t: ExecutionContext, server: ExampleServer, question: Question) => Promise<void>;

const isWithstood = test.macro(async (t, attack: Attack, variables: Variables = {}) => {
  const question = await prepareQuestion();
  const server = await startServer(t, { ...limits, ...variables });
  const { pid } = server.child;
  const probe = await startProbe(server.url, question);
  const before = lookAt(pid!);
  await attack(t, server, question);
  const { answers, wrong } = await probe.end();
  t.deepEqual(wrong, []);
  t.true(answers > 1);
  t.is(await ask(server.url, question), undefined);
  const after = lookAt(pid!);
  if (before !== undefined && after !== undefined) {
    t.is(after.threads, before.threads);
    const growth = after.peakBytes - before.residentBytes;
    t.log(
      `${answers} answers; at most ${Math.round(after.peakBytes / 1e6)} MB, ${Math.round(growth / 1e6)} more`,
    );
    t.true(growth < mostGrowth, `${growth} bytes more`);
  }
  server.child.kill('SIGTERM');
  t.is(await server.ended, 0);
  t.deepEqual(
    server.log.filter((line) => line.includes('"level":50')),
    [],
  );
});

const closes = (t: ExecutionContext, endings: readonly Ending[]): void => {
  t.deepEqual(
    endings.filter(({ closedMs }) => closedMs === null),
    [],
    'the server has closed all of them',
  );
};

/** Many of each at once. */
async function sayAll(
  { url }: ExampleServer,
  copies: number,
  speeches: readonly (readonly SlowBytes[])[],
): Promise<Ending[]> {
  const all = Array.from({ length: copies }, () => speeches).flat();
  return Promise.all(all.map((parts) => say(url, parts, patienceMs)));
}

const attentionHead = (...headers: readonly string[]): string =>
  head('POST', '/v1/attention', `content-type: ${safetensorsType}`, ...headers);

test.serial(
  'clients that send a byte now and then',
  isWithstood,
  async (t, server, { body }) => {
    const everyMs = 200;
    const endings = await sayAll(server, 50, [
      [{ bytes: attentionHead(`content-length: ${body.length}`), everyMs }],
      [{ bytes: attentionHead(`content-length: ${body.length}`) }, { bytes: body, everyMs }],
      [{ bytes: '' }],
    ]);
    closes(t, endings);
    t.true(endings.every(({ status }) => status === undefined || status === 408));
  },
  impatient,
);

test.serial(
  'bodies that lie about their length',
  isWithstood,
  async (t, server, { body }) => {
    const declare = (length: number | string): string => attentionHead(`content-length: ${length}`);
    const chunked = attentionHead('transfer-encoding: chunked');
    const chunk = `${body.length.toString(16)}\r\n`;
    const refused = [
      [{ bytes: declare(1e15) }],
      [{ bytes: declare(-1) }],
      [{ bytes: declare('ten') }],
      [{ bytes: declare(body.length - 4) }, { bytes: body }],
      [{ bytes: declare(body.length + 4) }, { bytes: body, isEnded: true }],
      [{ bytes: `${chunked}zz\r\n` }],
      [{ bytes: `${chunked}ffffffffffffffff\r\n` }],
      [{ bytes: attentionHead('transfer-encoding: chunked', 'content-length: 5') }],
    ];
    const endless = [
      [{ bytes: declare(body.length + 4) }, { bytes: body }],
      [{ bytes: chunked + chunk }, { bytes: body }],
      [{ bytes: `${chunked}1\r\nx\r\n` }, { bytes: '1\r\nx\r\n'.repeat(20), everyMs: 20 }],
    ];
    const endings = await sayAll(server, 10, [...refused, ...endless]);
    closes(t, endings);
    t.deepEqual(
      endings.filter(({ status = 400 }) => status < 400 || status >= 500),
      [],
    );
  },
  impatient,
);

test.serial('10,000 connections', isWithstood, async (t, { url }) => {
  const sockets: Socket[] = [];
  for (let batch = 0; batch < 200; batch++) {
    const opened = await Promise.allSettled(Array.from({ length: 50 }, () => open(url)));
    sockets.push(...opened.flatMap((one) => (one.status === 'fulfilled' ? one.value.resume() : [])));
  }
  t.is(sockets.length, 10_000);
  const countOpen = (): number =>
    sockets.filter(({ destroyed, readableEnded }) => !destroyed && !readableEnded).length;
  for (let waited = 0; countOpen() >= 400 && waited < patienceMs; waited += 100) await sleep(100);
  t.true(countOpen() < 400, `${countOpen()} are open`);
  for (const socket of sockets) socket.destroy();
  await sleep(200);
});

test.serial('2,000 requests that are cancelled', isWithstood, async (t, { url }, { body }) => {
  const random = createRandom(5);
  let left = 2000;
  const cancelling = async (): Promise<void> => {
    while (left-- > 0) {
      const socket = await open(url);
      const sent = Math.floor(random.uniform() * 1.5 * body.length);
      socket.write(attentionHead(`content-length: ${body.length}`));
      socket.write(body.subarray(0, sent));
      await sleep(8 * random.uniform());
      if (random.uniform() < 0.5) socket.destroy();
      else socket.resetAndDestroy();
    }
  };
  await Promise.all(Array.from({ length: 32 }, cancelling));
  t.pass();
});

test.serial('damaged safetensors', isWithstood, async (t, server, { body }) => {
  const seeded = { ...safetensors, createSeeds: async () => [...(await safetensors.createSeeds()), body] };
  const caseOf = await createCases(seeded);
  const statuses = new Map<number, number>();
  for (let first = 0; first < 600; first += 8) {
    const bodies = Array.from({ length: 8 }, (_, n) => caseOf(first + n));
    for (const { status } of await Promise.all(bodies.map((bytes) => server.post('/v1/attention', bytes))))
      statuses.set(status, 1 + (statuses.get(status) ?? 0));
  }
  t.log(JSON.stringify(Object.fromEntries(statuses)));
  t.deepEqual(
    [...statuses.keys()].filter((status) => status !== 200 && (status < 400 || status >= 500)),
    [],
  );
  t.true(statuses.get(400)! > 100);
});

test.serial('shapes larger than any memory', isWithstood, async (t, server) => {
  const file = (shape: readonly number[], end: number, bytes = 0): Uint8Array => {
    const header = JSON.stringify({ x: { dtype: 'F32', shape, data_offsets: [0, end] } });
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(BigInt(header.length));
    return Buffer.concat([start, Buffer.from(header), Buffer.alloc(bytes)]);
  };
  const { modelDim } = served;
  const bodies = [
    file([2 ** 40, modelDim], 4 * 2 ** 40 * modelDim),
    file([2 ** 53 - 1, 2 ** 53 - 1], 4),
    file([1e9, modelDim], 256, 256),
    file([2 ** 31, 0, modelDim], 0),
    file([1e15, 0], 0),
    file(new Array<number>(200).fill(2 ** 30), 4, 4),
    file(new Array<number>(100_000).fill(1), 4, 4),
    file([-1, modelDim], 256, 256),
    Buffer.from([255, 255, 255, 255, 255, 255, 255, 127]),
    Buffer.alloc(0),
  ];
  for (const [n, body] of bodies.entries()) {
    const { status } = await server.post('/v1/attention', body);
    t.true(status >= 400 && status < 500, `body ${n}: ${status}`);
  }
});

test.serial('JSON bombs', isWithstood, async (t, server) => {
  const { modelDim } = served;
  const deep = 400_000;
  const row = JSON.stringify(new Array<number>(modelDim).fill(1));
  const bodies = [
    '['.repeat(deep) + ']'.repeat(deep),
    `{"x":${'['.repeat(deep)}${']'.repeat(deep)}}`,
    `{"x":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`,
    `{"x":[${'[],'.repeat(200_000)}[]]}`,
    `{${Array.from({ length: 50_000 }, (_, n) => `"k${n}":1`).join()}}`,
    `{"x":[${row}],"keyLengths":[${'1,'.repeat(200_000)}1]}`,
    `{"x":[${row}],"window":{"left":-1}}`,
    `{"x":[${row}],"causal":"${'a'.repeat(500_000)}"}`,
    `{"x":{"shape":[1e15,${modelDim}],"data":{"length":1e15}}}`,
    '{"x":[[1e400]]}',
    '{"__proto__":{"x":1},"constructor":1}',
    '"x"',
    'null',
    '{',
    '\u0000',
  ];
  for (const [n, body] of bodies.entries()) {
    const response = await server.post('/v1/attention', Buffer.from(body), {
      'content-type': 'application/json',
    });
    t.true(response.status >= 400 && response.status < 500, `body ${n}: ${response.status}`);
    t.true((await response.text()).length < 10_000, `the answer to body ${n} is short`);
  }
});

test.serial('odd paths and headers', isWithstood, async (t, server, { body }) => {
  const end = 'connection: close';
  const length = `content-length: ${body.length}`;
  const get = (path: string, ...headers: readonly string[]): SlowBytes[] => [
    { bytes: head('GET', path, end, ...headers) },
  ];
  const post = (query: string, ...headers: readonly string[]): SlowBytes[] => [
    { bytes: head('POST', `/v1/attention${query}`, end, length, ...headers) },
    { bytes: body },
  ];
  const type = `content-type: ${safetensorsType}`;
  const endings = await sayAll(server, 1, [
    get('/%00'),
    get('/%zz'),
    get('/../../../../etc/passwd'),
    get('//v1//attention'),
    get(`/${'a'.repeat(20_000)}`),
    get(`/v1/sessions/${'%41'.repeat(3000)}`),
    get('/v1/sessions/__proto__'),
    get('/v1/attention', `x: ${'a'.repeat(20_000)}`),
    get('/v1/attention', ...Array.from({ length: 3000 }, (_, n) => `x-${n}: 1`)),
    get('/v1/attention', 'x: \u0000'),
    get('/v1/attention', ' folded'),
    [{ bytes: 'GET /v1/attention HTTP/9.9\r\n\r\n' }],
    [{ bytes: 'GET\r\n\r\n' }],
    [{ bytes: Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]) }],
    [{ bytes: head('TRACE', '/v1/attention', end) }],
    [{ bytes: head('CONNECT', 'example.com:443', end) }],
    [{ bytes: head('GET', '/v1/attention', end, 'upgrade: websocket', 'connection: upgrade') }],
    post(''),
    post('', 'content-type: text/plain'),
    post('', 'content-type: application/json'),
    post('', type, 'content-encoding: gzip', 'expect: magic'),
    post('?causal=maybe', type),
    post('?causal=true&causal=false', type),
    post('?window=%7B%22left%22%3A-1%7D', type),
    post('?__proto__=1', type),
    post('?signal=1', type),
    post('?keyLengths=[1e999]', type),
  ]);
  closes(t, endings);
  t.deepEqual(
    endings
      .map(({ status = 400 }, n) => [n, status] as const)
      .filter(([, status]) => status < 400 || status >= 500),
    [],
  );
});

test.serial(
  'clients of streams that do not read',
  isWithstood,
  async (t, server) => {
    const { modelDim } = served;
    const row = `[${new Array<number>(modelDim).fill(0.5).join()}]`;
    const bodyOf = `{"x":[${row}],"steps":2000}`;
    const deaf = Array.from({ length: 8 }, async () => {
      const created = await server.post('/v1/sessions', {});
      t.is(created.status, 201);
      const { id } = (await created.json()) as { id: string };
      const socket = await open(server.url);
      socket.pause();
      socket.write(
        head(
          'POST',
          `/v1/sessions/${id}/decode`,
          'content-type: application/json',
          `content-length: ${bodyOf.length}`,
        ),
      );
      socket.write(bodyOf);
      return { id, socket };
    });
    const opened = await Promise.all(deaf);
    await sleep(2 * requestMs);
    const endMs = performance.now() + patienceMs;
    const isGone = async (id: string): Promise<boolean> =>
      (await server.get(`/v1/sessions/${id}`)).status === 404;
    for (const { id } of opened) {
      while (!(await isGone(id)) && performance.now() < endMs) await sleep(100);
      t.true(await isGone(id), 'its session has gone');
    }
    for (const { socket } of opened) socket.destroy();
  },
  impatient,
);

test.serial(
  'sessions without end',
  isWithstood,
  async (t, server) => {
    const statuses: number[] = [];
    for (let n = 0; n < 300; n++) statuses.push((await server.post('/v1/sessions', {})).status);
    t.true(statuses.every((status) => status === 201 || status === 503));
    t.is(statuses.indexOf(503), 8);
    const endMs = performance.now() + patienceMs;
    let status = 503;
    while (status !== 201 && performance.now() < endMs) {
      await sleep(100);
      status = (await server.post('/v1/sessions', {})).status;
    }
    t.is(status, 201, 'there is room again once they have been idle');
  },
  // Longer than all of them take to be asked for.
  { SESSION_IDLE_MS: '5000' },
);
