// POST /v1/attention: rows in, attended rows out.
import { sendOutput } from './answers.js';
import { readInput } from './bodies.js';
import { Refusal } from './errors.js';
import { signalHangUp } from './hang-up.js';

/** @typedef {import('./app.js').Context} Context */

/** @param {import('fastify').FastifyInstance} app @param {Context} context */
export async function attentionRoutes(app, { model, settings }) {
  app.post('/v1/attention', async (request, reply) => {
    const { x, options } = readInput(request, ['causal', 'window', 'keyLengths']);
    if (x?.shape?.length === 3 && x.shape[0] > settings.MAX_BATCH) {
      throw new Refusal(413, 'BATCH_TOO_LARGE', `Expected at most ${settings.MAX_BATCH} sequences`);
    }
    const { output } = await model.layer.forward(x, {
      ...options,
      timeoutMs: settings.CALL_TIMEOUT_MS,
      signal: signalHangUp(reply),
    });
    return sendOutput(request, reply, output);
  });
}
