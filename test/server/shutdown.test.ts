// How examples/server starts and ends: what is open is answered, nothing is left, and its probes say where it is.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { connectTo, served, startServer, type ExampleServer } from '../helpers/example-server.js';
import { outputOf, rowsOf, toSafetensors } from '../helpers/served-rows.js';
import { testOnUnix } from '../helpers/skips.js';

const { modelDim } = served;
const long = toSafetensors(rowsOf([3000, modelDim]));

/** Sends the headers of a call and so much of its body. */
function sendPart(server: ExampleServer, body: Uint8Array) {
  const connection = connectTo(server);
  connection.socket.write(
    'POST /v1/attention HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n' +
      `Content-Length: ${long.length}\r\n\r\n`,
  );
  connection.socket.write(body);
  return connection;
}

testOnUnix(
  'SIGTERM under load: each request is answered whole or refused, and the process ends',
  async (t) => {
    const server = await startServer(t);
    const outcomes = Array.from({ length: 32 }, async () => {
      const response = await server.post('/v1/attention', long);
      if (response.status === 503) return 'refused';
      t.is(response.status, 200);
      t.deepEqual((await outputOf(response)).shape, [3000, modelDim]);
      return 'answered';
    });
    await Promise.race(outcomes);
    server.child.kill('SIGTERM');
    const settled = await Promise.allSettled(outcomes);
    // Whoever came too late to connect is refused by the system.
    for (const outcome of settled) {
      if (outcome.status === 'rejected')
        t.regex(String((outcome.reason as Error).cause), /ECONNREFUSED|ECONNRESET|EPIPE|closed/);
    }
    const count = settled.filter(({ status }) => status === 'fulfilled').length;
    t.true(count >= 2, `${count} of 32`);
    t.is(await server.ended, 0);
    t.deepEqual(
      server.log.filter((line) => line.includes('"level":50')),
      [],
    );
  },
);

testOnUnix(
  'a server that closes answers what is open, refuses what comes, and tells its probe',
  async (t) => {
    const server = await startServer(t);
    const { socket, answer } = sendPart(server, long.subarray(0, 1000));
    while (/^headpool_server_held_bytes 0$/m.test(await (await server.get('/metrics')).text()))
      await setTimeout(10);
    server.child.kill('SIGTERM');
    await hear(server, 'SIGTERM');
    // The connection that is open lives until it has been answered; what comes behind on it is told the state.
    socket.write(long.subarray(1000));
    socket.write('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n');
    t.regex(await answer, /^HTTP\/1.1 200 OK\r\n/);
    t.regex(await answer, /HTTP\/1.1 503 [^{]*\{"status":"closing"\}$/);
    t.is(await server.ended, 0);
  },
);

/** Waits until a signal has arrived. */
async function hear({ log }: ExampleServer, signal: string): Promise<void> {
  while (!log.some((line) => line.includes(signal))) await setTimeout(5);
}

testOnUnix('streams end after their event, and tell why', async (t) => {
  const server = await startServer(t);
  const { id } = (await (await server.post('/v1/sessions')).json()) as { id: string };
  const x = toSafetensors(rowsOf([4, modelDim]));
  const response = await server.post(`/v1/sessions/${id}/decode?steps=4000`, x);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = (await reader.read()).value!;
  server.child.kill('SIGTERM');
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) text += piece.value;
  t.regex(text, /event: end\ndata: \{"reason":"closing"\}\n\n$/);
  t.is(await server.ended, 0);
});

testOnUnix('what takes too long to end is cut off, and a second signal ends at once', async (t) => {
  const patient = await startServer(t, { CLOSE_TIMEOUT_MS: '300' });
  const cut = sendPart(patient, long.subarray(0, 100));
  await once(cut.socket, 'connect');
  await setTimeout(100);
  patient.child.kill('SIGTERM');
  t.is(await patient.ended, 0);
  t.is(await cut.answer, '');

  const stuck = await startServer(t);
  const open = sendPart(stuck, long.subarray(0, 100));
  await once(open.socket, 'connect');
  await setTimeout(100);
  stuck.child.kill('SIGINT');
  await hear(stuck, 'SIGINT');
  stuck.child.kill('SIGINT');
  t.is(await stuck.ended, null);
  t.is(stuck.child.signalCode, 'SIGINT');
});

testOnUnix('a call that takes too long to end is refused, and its client told so', async (t) => {
  const server = await startServer(t, { CLOSE_TIMEOUT_MS: '50' });
  const response = server.post('/v1/attention', toSafetensors(rowsOf([40_000, modelDim])));
  let metrics = '';
  while (!metrics.includes('headpool_calls{state="open"} 1\n')) {
    metrics = await (await server.get('/metrics')).text();
  }
  server.child.kill('SIGTERM');
  const answer = await response;
  const message = 'The engine was closed while the call was still computing';
  t.is(answer.status, 503);
  t.deepEqual(await answer.json(), { code: 'ENGINE_CLOSED', message });
  t.is(await server.ended, 0);
});

test('the probes and the metrics say how it does', async (t) => {
  const server = await startServer(t);
  t.is((await server.get('/healthz')).status, 200);
  t.deepEqual(await (await server.get('/readyz')).json(), { status: 'ready' });
  await server.post('/v1/sessions');
  await server.post('/v1/attention', toSafetensors(rowsOf([5, modelDim])));
  const metrics = await (await server.get('/metrics')).text();
  for (const line of [
    'headpool_calls_total{outcome="completed"} 1',
    'headpool_tokens_total 5',
    'headpool_server_sessions 1',
    'headpool_server_held_bytes 0',
  ])
    t.true(metrics.split('\n').includes(line), `${line}\n${metrics}`);
});

test('a server that can’t start says why and ends with 1', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.teardown(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  for (const [variables, why] of [
    [{ PORT: String(port) }, /EADDRINUSE/],
    [{ PORT: 'http' }, /Expected an integer from 0 to 65535 for PORT, got "http"/],
    [{ DEVICE: 'tpu' }, /Expected one of cpu, gpu for DEVICE, got "tpu"/],
    [{ WEIGHTS: 'none.safetensors' }, /none\.safetensors/],
    [{ HEADS: '5' }, /heads/],
  ] as const) {
    const error = await t.throwsAsync(startServer(t, variables));
    t.regex(error.message, /^The server ended with 1:/);
    t.regex(error.message, why);
    t.notRegex(error.message, /^\s+at /m);
  }
});
