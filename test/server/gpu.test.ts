// examples/server with DEVICE=gpu.
import { served, startServer } from '../helpers/example-server.js';
import { answerOf, outputOf, rowsOf, toSafetensors } from '../helpers/served-rows.js';
import { gpuTest, softwareGpu } from '../helpers/software-gpu.js';

gpuTest('one setting serves from the GPU', async (t) => {
  const server = await startServer(t, { ...softwareGpu, DEVICE: 'gpu', THREADS: '0' });
  const x = rowsOf([5, served.modelDim]);
  const output = await outputOf(await server.post('/v1/attention?causal=true', toSafetensors(x)));
  const wanted = (await answerOf(x, { causal: true })).data;
  const apart = output.data.reduce((most, number, n) => Math.max(most, Math.abs(number - wanted[n]!)), 0);
  t.true(apart < 1e-4, String(apart));
  const { device } = { device: await (await server.get('/metrics')).text() };
  t.regex(device, /headpool_calls_total\{outcome="completed"\} 1/);
});
