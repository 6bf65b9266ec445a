// Sessions of examples/server: decoding as events, their limits, and their end.
import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { assertSameBytes } from '../helpers/assertions.js';
import { served, startServer, type ExampleServer, type Variables } from '../helpers/example-server.js';
import { rowsOf, toLists, toSafetensors, withLayer, type Rows } from '../helpers/served-rows.js';

const { modelDim } = served;

interface Event {
  readonly name: string;
  readonly data: { position?: number; row?: string | number[]; reason?: string; code?: string };
}

async function open(server: ExampleServer, limits = {}): Promise<string> {
  const response = await server.post('/v1/sessions', limits);
  const { id } = (await response.json()) as { id: string };
  return `/v1/sessions/${id}`;
}

async function tokensOf(server: ExampleServer, session: string): Promise<number> {
  return ((await (await server.get(session)).json()) as { tokens: number }).tokens;
}

function parseEvents(text: string): Event[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((lines) => {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(lines)!;
      return { name: name!, data: JSON.parse(data!) as Event['data'] };
    });
}

async function decode(
  server: ExampleServer,
  session: string,
  body: Rows,
  steps: number,
  headers?: Variables,
) {
  const response = await server.post(`${session}/decode?steps=${steps}`, toSafetensors(body), headers);
  return { status: response.status, response, events: parseEvents(await response.text()) };
}

/** The rows that the library decodes by itself. */
function decodeHere(prompt: Rows, steps: number): Promise<Float32Array[]> {
  return withLayer(async (layer) => {
    const cache = layer.createCache({ maxTokens: 1024 });
    const rows: Float32Array[] = [];
    for (let input = prompt; rows.length < steps;) {
      const { output } = await layer.forward(input, { cache, causal: true });
      const data = output.data.slice(-modelDim);
      rows.push(data);
      input = { shape: [1, modelDim], data };
    }
    return rows;
  });
}

test('several sessions at once give each the rows that the library decodes, token after token', async (t) => {
  const server = await startServer(t);
  await Promise.all(
    [1, 2, 3].map(async (seed) => {
      const prompt = rowsOf([seed * 3, modelDim], seed);
      const session = await open(server);
      const first = await decode(server, session, prompt, 20);
      t.is(first.response.headers.get('content-type'), 'text/event-stream');
      const tokens = first.events.slice(0, -1);
      t.deepEqual(first.events.at(-1), { name: 'end', data: { reason: 'done' } });
      t.deepEqual(
        tokens.map(({ name, data }) => [name, data.position]),
        Array.from({ length: 20 }, (_, n) => ['token', seed * 3 - 1 + n]),
      );
      const wanted = await decodeHere(prompt, 20);
      for (const [n, { data }] of tokens.entries()) {
        const bytes = Buffer.from(data.row as string, 'base64');
        const row = new Float32Array(Uint8Array.from(bytes).buffer);
        assertSameBytes(t, row, wanted[n]!, `session ${seed}, step ${n}`);
      }
    }),
  );
});

test('rows are numbers for who asks for JSON, and a session goes on where it was', async (t) => {
  const server = await startServer(t);
  const prompt = rowsOf([4, modelDim]);
  const wanted = await decodeHere(prompt, 3);
  const session = await open(server);
  const begun = await server.post(`${session}/decode`, { x: toLists(prompt), steps: 2 });
  const rows = parseEvents(await begun.text()).slice(0, -1);
  t.deepEqual(
    rows.map(({ data }) => data.row),
    wanted.slice(0, 2).map((row) => Array.from(row)),
  );
  const next = { shape: [1, modelDim], data: Float32Array.from(wanted[1]!) };
  const gone = await decode(server, session, next, 1, { accept: 'text/event-stream, application/json' });
  t.deepEqual(gone.events[0]!.data.row, Array.from(wanted[2]!));
  t.is(await tokensOf(server, session), 6);
});

async function assertRefused(t: ExecutionContext, response: Response, status: number, code: string) {
  t.is(response.status, status);
  t.is(((await response.json()) as { code: string }).code, code);
}

test('a session refuses what has no room, wrong rows, and what comes after its end', async (t) => {
  const server = await startServer(t);
  const session = await open(server, { maxTokens: 10 });
  const post = (tokens: number, steps: number, width: number = modelDim) =>
    server.post(`${session}/decode?steps=${steps}`, toSafetensors(rowsOf([tokens, width])));
  await assertRefused(t, await post(8, 4), 409, 'CACHE_FULL');
  await assertRefused(t, await post(8, 0), 400, 'INVALID_OPTION');
  await assertRefused(t, await post(8, 1, 8), 400, 'INVALID_SHAPE');
  await assertRefused(t, await post(0, 1), 400, 'INVALID_SHAPE');
  const inBatch = toSafetensors(rowsOf([1, 2, modelDim]));
  await assertRefused(t, await server.post(`${session}/decode`, inBatch), 400, 'INVALID_SHAPE');
  await assertRefused(t, await server.post(`${session}/decode`, { steps: 1 }), 400, 'INVALID_SHAPE');
  t.is(parseEvents(await (await post(8, 3)).text()).length, 4);
  await assertRefused(t, await post(1, 1), 409, 'CACHE_FULL');
  t.is((await fetch(server.url + session, { method: 'DELETE' })).status, 204);
  await assertRefused(t, await post(1, 1), 404, 'NO_SESSION');
});

test.serial('there are no more sessions than allowed; one that ends or is idle makes room', async (t) => {
  const server = await startServer(t, { MAX_SESSIONS: '2', SESSION_IDLE_MS: '5000' });
  const [first] = [await open(server), await open(server)];
  const full = await server.post('/v1/sessions');
  t.is(full.headers.get('retry-after'), '1');
  await assertRefused(t, full, 503, 'TOO_MANY_SESSIONS');
  t.is((await fetch(server.url + first, { method: 'DELETE' })).status, 204);
  const third = await open(server);
  await assertRefused(t, await server.post('/v1/sessions'), 503, 'TOO_MANY_SESSIONS');
  // Busy for longer than it may be idle.
  for (let n = 0; n < 4; n++) {
    await setTimeout(1500);
    t.is((await decode(server, third, rowsOf([1, modelDim]), 1)).status, 200);
  }
  t.is((await server.get(third)).status, 200);
  const until = performance.now() + 60_000;
  while ((await server.get(third)).status === 200 && performance.now() < until) await setTimeout(100);
  await assertRefused(t, await server.get(third), 404, 'NO_SESSION');
  t.is((await server.post('/v1/sessions')).status, 201);
});

test('sessions that memory has no room for are refused until others go', async (t) => {
  const server = await startServer(t, { MEMORY_BYTES: String(6 * 2 ** 20), MAX_SESSIONS: '1000' });
  const sessions: string[] = [];
  let last = await server.post('/v1/sessions');
  for (; last.status === 201; last = await server.post('/v1/sessions'))
    sessions.push(`/v1/sessions/${((await last.json()) as { id: string }).id}`);
  await assertRefused(t, last, 503, 'NO_MEMORY');
  t.true(sessions.length > 0);
  await fetch(server.url + sessions[0]!, { method: 'DELETE' });
  t.is((await server.post('/v1/sessions')).status, 201);
});

test('a session decodes once at a time, and a client that hangs up ends its decode', async (t) => {
  const server = await startServer(t, { MODEL_DIM: '512', HEADS: '8' });
  const session = await open(server);
  const controller = new AbortController();
  const x = toSafetensors(rowsOf([4, 512]));
  const { body } = await fetch(`${server.url}${session}/decode?steps=4000`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', accept: 'application/json' },
    body: x,
    signal: controller.signal,
  });
  await body!.getReader().read();
  await assertRefused(t, await server.post(`${session}/decode`, x), 409, 'CACHE_IN_USE');
  // Nobody reads: what is decoded fills the buffers between the two, and no more.
  const stopped = await waitUntilStill(() => tokensOf(server, session));
  t.true(stopped < 2000, `${stopped} tokens`);
  controller.abort();
  const until = performance.now() + 60_000;
  let again = await decode(server, session, rowsOf([1, 512]), 1);
  while (again.status === 409 && performance.now() < until) {
    await setTimeout(20);
    again = await decode(server, session, rowsOf([1, 512]), 1);
  }
  t.is(again.status, 200);
  t.is(await tokensOf(server, session), again.events[0]!.data.position! + 1);
  t.true((await tokensOf(server, session)) < 2002);
});

async function waitUntilStill(measure: () => Promise<number>): Promise<number> {
  for (let last = -1; ;) {
    const now = await measure();
    if (now === last) return now;
    last = now;
    await setTimeout(400);
  }
}
