// POST /v1/attention of examples/server: the numbers of the library, in the form that was asked for.
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { createXavierWeights } from '../../src/attention/xavier.js';
import { weightsToTorch } from '../../src/checkpoints/torch.js';
import { writeStateDict } from '../../src/files/state-dict.js';
import { assertSameBytes } from '../helpers/assertions.js';
import { connectTo, safetensorsType, served, startServer } from '../helpers/example-server.js';
import { makeFolder } from '../helpers/make-folder.js';
import { answerOf, outputOf, rowsOf, toLists, toSafetensors } from '../helpers/served-rows.js';

const { modelDim } = served;

test('safetensors are answered with the bytes that the library computes', async (t) => {
  const server = await startServer(t);
  for (const [x, options, query] of [
    [rowsOf([7, modelDim]), {}, ''],
    [rowsOf([7, modelDim]), { causal: true }, '?causal=true'],
    [rowsOf([9, modelDim]), { causal: 'top-left' }, '?causal=top-left'],
    [rowsOf([130, modelDim]), { causal: true, window: { left: 8 } }, '?causal=true&window={"left":8}'],
    [rowsOf([2, 5, modelDim]), { keyLengths: [5, 3] }, '?keyLengths=[5,3]'],
    [rowsOf([0, modelDim]), {}, ''],
  ] as const) {
    const response = await server.post(`/v1/attention${query}`, toSafetensors(x));
    t.is(response.status, 200);
    t.is(response.headers.get('content-type'), safetensorsType);
    const output = await outputOf(response);
    t.deepEqual(output.shape, x.shape);
    assertSameBytes(t, output.data, (await answerOf(x, options)).data, query);
  }
});

test('JSON is answered with JSON, and either with what Accept names', async (t) => {
  const server = await startServer(t);
  const x = rowsOf([3, modelDim]);
  const wanted = (await answerOf(x, { causal: true })).data;
  const json = await server.post('/v1/attention', { x: toLists(x), causal: true });
  const { shape, output } = (await json.json()) as { shape: number[]; output: number[][] };
  t.deepEqual(shape, [3, modelDim]);
  assertSameBytes(t, Float32Array.from(output.flat()), wanted);

  const asBytes = await server.post(
    '/v1/attention',
    { x: toLists(x), causal: true },
    { accept: safetensorsType },
  );
  assertSameBytes(t, (await outputOf(asBytes)).data, wanted);
  const asNumbers = await server.post('/v1/attention?causal=true', toSafetensors(x), {
    accept: 'application/json',
  });
  t.deepEqual(await asNumbers.json(), { shape, output });
});

test('weights come from a checkpoint, and so do their heads', async (t) => {
  const path = join(await makeFolder(t), 'layer.safetensors');
  const state = weightsToTorch(createXavierWeights(served));
  await writeStateDict(path, state, new Map([['heads', String(served.heads)]]));
  const server = await startServer(t, { WEIGHTS: path, HEADS: '' });
  const x = rowsOf([9, modelDim]);
  const output = await outputOf(await server.post('/v1/attention', toSafetensors(x)));
  assertSameBytes(t, output.data, (await answerOf(x)).data);
});

test('many callers at once get each their own answer', async (t) => {
  const server = await startServer(t);
  const inputs = Array.from({ length: 48 }, (_, n) => rowsOf([1 + ((n * 37) % 200), modelDim], n));
  const outputs = await Promise.all(
    inputs.map(async (x) => outputOf(await server.post('/v1/attention', toSafetensors(x)))),
  );
  for (const [n, x] of inputs.entries()) {
    if (n % 8 === 0) assertSameBytes(t, outputs[n]!.data, (await answerOf(x)).data, String(n));
    t.deepEqual(outputs[n]!.shape, x.shape);
  }
});

test('a client that hangs up ends its call', async (t) => {
  const server = await startServer(t);
  const { socket } = connectTo(server);
  const body = toSafetensors(rowsOf([20_000, modelDim]));
  socket.write(
    `POST /v1/attention HTTP/1.1\r\nHost: x\r\nContent-Type: ${safetensorsType}\r\n` +
      `Content-Length: ${body.length}\r\n\r\n`,
  );
  socket.write(body);
  const sees = async (line: string): Promise<void> => {
    while (!(await (await server.get('/metrics')).text()).split('\n').includes(line)) await setTimeout(5);
  };
  await sees('headpool_calls{state="open"} 1');
  socket.destroy();
  await sees('headpool_calls_total{outcome="cancelled"} 1');
  await sees('headpool_server_held_bytes 0');
  t.deepEqual(
    server.log.filter((line) => line.includes('"level":50')),
    [],
  );
});
