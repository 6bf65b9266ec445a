// What examples/server refuses: each with its status, a code and a message, and nothing of its inside.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { errorCodes, httpStatuses, type HeadpoolError, type ErrorCode } from '../../src/core/errors.js';
import { connectTo, copyServer, served, startServer, type ExampleServer } from '../helpers/example-server.js';
import { packageRoot } from '../helpers/package-root.js';
import { rowsOf, toLists, toSafetensors } from '../helpers/served-rows.js';

const { modelDim } = served;
const x = rowsOf([2, modelDim]);
const lists = toLists(x);
const bytes = toSafetensors(x);

async function assertAnswered(t: ExecutionContext, response: Response, status: number, code: string) {
  const text = await response.text();
  t.is(response.status, status, text);
  const answer = JSON.parse(text) as { code: string; message: string };
  t.deepEqual(Object.keys(answer), ['code', 'message']);
  t.is(answer.code, code, text);
  t.notRegex(text, /\bat .*:\d+|node:|\.js\b/);
  t.is(response.headers.has('retry-after'), status === 503);
}

test('wrong requests are answered with what is wrong, and the next right one is answered', async (t) => {
  const server = await startServer(t, { MAX_BODY_BYTES: '100000', MAX_JSON_BYTES: '50000', MAX_BATCH: '4' });
  const attention = '/v1/attention';
  const json = { 'content-type': 'application/json' };
  for (const [path, body, status, code, headers] of [
    [attention, { x: [[1, 2]] }, 400, 'INVALID_SHAPE'],
    [attention, { x: [lists[0], [1]] }, 400, 'INVALID_SHAPE'],
    [attention, { x: [[...lists[0]!.slice(1), 1e39]] }, 400, 'INVALID_SHAPE'],
    [attention, { x: [[...lists[0]!.slice(1), null]] }, 400, 'INVALID_SHAPE'],
    [attention, { x: 'rows' }, 400, 'INVALID_SHAPE'],
    [attention, {}, 400, 'INVALID_SHAPE'],
    [attention, { x: lists, casual: true }, 400, 'UNKNOWN_OPTION'],
    [attention, { x: lists, signal: null }, 400, 'UNKNOWN_OPTION'],
    [attention, { x: lists, causal: 1 }, 400, 'INVALID_OPTION'],
    [`${attention}?causal=perhaps`, bytes, 400, 'INVALID_OPTION'],
    [`${attention}?keyLengths=[3,4]`, bytes, 400, 'INVALID_OPTION'],
    [`${attention}?window=8`, bytes, 400, 'INVALID_OPTION'],
    [attention, Buffer.from('{"x":'), 400, 'INVALID_JSON', json],
    [attention, Buffer.from(' '.repeat(50_001)), 413, 'BODY_TOO_LARGE', json],
    [attention, new Uint8Array(100_001), 413, 'BODY_TOO_LARGE'],
    [attention, bytes.subarray(0, -1), 400, 'INVALID_FILE'],
    [attention, new Uint8Array(3), 400, 'INVALID_FILE'],
    [attention, toSafetensors(rowsOf([2, 8])), 400, 'INVALID_SHAPE'],
    [attention, toSafetensors(rowsOf([5, 0, modelDim])), 413, 'BATCH_TOO_LARGE'],
    [attention, bytes, 415, 'FST_ERR_CTP_INVALID_MEDIA_TYPE', { 'content-type': 'text/plain' }],
    [`${attention}/x`, bytes, 404, 'NOT_FOUND'],
    ['/v1/sessions', { maxTokens: 0 }, 400, 'INVALID_OPTION'],
    ['/v1/sessions', { maxTokens: 1e9 }, 400, 'INVALID_OPTION'],
    ['/v1/sessions', { tokens: 1 }, 400, 'UNKNOWN_OPTION'],
    ['/v1/sessions/none/decode', bytes, 404, 'NO_SESSION'],
  ] as const) {
    await assertAnswered(t, await server.post(path, body, headers), status, code);
  }
  await assertAnswered(t, await server.get('/v1/sessions/none'), 404, 'NO_SESSION');
  await assertAnswered(t, await server.get(attention), 404, 'NOT_FOUND');
  t.is((await server.post(attention, bytes)).status, 200);
  t.deepEqual(
    server.log.filter((line) => line.includes('"level":50')),
    [],
  );
});

test('a body without an announced length that grows too long is refused', async (t) => {
  const server = await startServer(t, { MAX_BODY_BYTES: '100000' });
  const { socket, answer } = connectTo(server);
  socket.write(
    'POST /v1/attention HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n' +
      'Transfer-Encoding: chunked\r\n\r\n',
  );
  for (let n = 0; n < 21; n++) socket.write(`2710\r\n${'x'.repeat(10_000)}\r\n`);
  t.regex(await answer, /^HTTP\/1.1 413 .*\{"code":"BODY_TOO_LARGE",[^}]*\}$/s);
});

test('a client that still sends too much hears so, up to twice of what it may', async (t) => {
  const server = await startServer(t, { MAX_BODY_BYTES: '3000000' });
  for (let n = 0; n < 10; n++) {
    const response = await server.post('/v1/attention', new Uint8Array(5_900_000));
    await assertAnswered(t, response, 413, 'BODY_TOO_LARGE');
  }
});

test('a body that doesn’t come is given up', async (t) => {
  const server = await startServer(t, { REQUEST_TIMEOUT_MS: '1000' });
  const { socket, answer } = connectTo(server);
  socket.write(
    'POST /v1/attention HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{',
  );
  t.regex(await answer, /^HTTP\/1.1 408 /);
  t.is((await server.post('/v1/attention', bytes)).status, 200);
});

test('a call that takes too long is answered 504', async (t) => {
  const server = await startServer(t, { CALL_TIMEOUT_MS: '1' });
  await assertAnswered(t, await sendLong(server), 504, 'TIMEOUT');
});

test('a call that can never have enough memory is answered 413', async (t) => {
  const server = await startServer(t, { MEMORY_BYTES: String(2 ** 21) });
  await assertAnswered(t, await sendLong(server), 413, 'MEMORY_LIMIT');
});

test('calls that find no room are answered 503 and when to try again, the others as ever', async (t) => {
  for (const [variables, code] of [
    [{ MAX_QUEUE: '1' }, 'QUEUE_FULL'],
    [{ MAX_HELD_BYTES: String(2_500_000) }, 'NO_MEMORY'],
  ] as const) {
    const server = await startServer(t, variables);
    const responses = await Promise.all(Array.from({ length: 12 }, () => sendLong(server)));
    const refused = responses.filter(({ status }) => status !== 200);
    t.true(refused.length > 0 && refused.length < responses.length, `${code}: ${refused.length}`);
    for (const response of refused) await assertAnswered(t, response, 503, code);
    t.is((await sendLong(server)).status, 200);
  }
});

function sendLong(server: ExampleServer): Promise<Response> {
  return server.post('/v1/attention', toSafetensors(rowsOf([4000, modelDim])));
}

test('every code of the library has its status, and nothing is told of other errors', async (t) => {
  const folder = await copyServer(t);
  const { describe } = (await import(pathToFileURL(join(folder, 'errors.js')).href)) as {
    readonly describe: (error: unknown) => unknown;
  };
  const library = (await import(new URL('dist/library/index.js', packageRoot()).href)) as {
    readonly HeadpoolError: typeof HeadpoolError;
  };
  for (const code of Object.keys(errorCodes) as ErrorCode[]) {
    const { status, ...rest } = describe(new library.HeadpoolError(code, 'why')) as { status: number };
    t.is(status, httpStatuses[code]);
    t.like(rest, { code, message: 'why' });
  }
  for (const error of [new Error('secret'), new TypeError('secret'), 'secret']) {
    t.notRegex(JSON.stringify(describe(error)), /secret/);
    t.like(describe(error), { status: 500, code: 'INTERNAL' });
  }
});
