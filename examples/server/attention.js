// POST /v1/attention: rows in, attended rows out.
import { sendOutput } from './answers.js';
import { readInput } from './bodies.js';
import { Refusal } from './errors.js';
import { signalHangUp } from './hang-up.js';

/** @typedef {import('./app.js').Context} Context */

/** @param {import('fastify').FastifyInstance} app @param {Context} context */
export async function attentionRoutes(app, { model, settings, spare }) {
  app.post('/v1/attention', async (request, reply) => {
    const { x, options } = readInput(request, ['causal', 'window', 'keyLengths']);
    if (x?.shape?.length === 3 && x.shape[0] > settings.MAX_BATCH) {
      throw new Refusal(413, 'BATCH_TOO_LARGE', `Expected at most ${settings.MAX_BATCH} sequences`);
    }
    const out = findOut(x);
    const { output } = await model.layer.forward(x, {
      ...options,
      ...(out && { out }),
      timeoutMs: settings.CALL_TIMEOUT_MS,
      signal: signalHangUp(reply),
    });
    // The system has the answer then. Memory of one that never went there is left to the garbage collector.
    reply.raw.once('finish', () => {
      spare.give(x.data.buffer);
      if (out) spare.give(out.data.buffer);
    });
    return sendOutput(request, reply, output);
  });

  /** As wide as the input; undefined where the library has to make it. @param {any} x */
  function findOut(x) {
    const buffer = x?.data instanceof Float32Array ? spare.take(x.data.byteLength) : undefined;
    return buffer && { shape: x.shape, data: new Float32Array(buffer, 0, x.data.length) };
  }
}
