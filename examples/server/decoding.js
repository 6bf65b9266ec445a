// Sessions over HTTP, and their decoding. A step feeds the layer its own last output row: an attention layer stands where
// a whole model would be.
import { Readable } from 'node:stream';
import { wantsNumbers } from './answers.js';
import { readInput } from './bodies.js';
import { Refusal } from './errors.js';
import { formatEvents } from './events.js';
import { signalHangUp } from './hang-up.js';

/** @typedef {import('fastify').FastifyRequest<{ Params: { id: string } }>} SessionRequest */
/** @typedef {import('./sessions.js').Session} Session */

/** @param {import('fastify').FastifyInstance} app @param {import('./app.js').Context} context */
export async function decodingRoutes(app, { model, settings, sessions }) {
  app.post('/v1/sessions', (request, reply) => {
    const { options } = readInput(request, ['maxTokens']);
    const session = sessions.create(options.maxTokens);
    return reply.code(201).header('location', `/v1/sessions/${session.id}`).send(tell(session));
  });

  app.get('/v1/sessions/:id', (/** @type {SessionRequest} */ request, reply) => {
    return reply.send(tell(sessions.find(request.params.id)));
  });

  app.delete('/v1/sessions/:id', (/** @type {SessionRequest} */ request, reply) => {
    sessions.find(request.params.id).dispose();
    return reply.code(204).send();
  });

  app.post('/v1/sessions/:id/decode', async (/** @type {SessionRequest} */ request, reply) => {
    const session = sessions.find(request.params.id);
    reply.raw.once('close', session.begin());
    const { x, options } = readInput(request, ['steps']);
    const steps = readSteps(options.steps, session.cache.maxTokens);
    refuseMisfits(session, x, steps);
    const tokens = decode({ session, x, steps, signal: signalHangUp(reply) });
    // Before the answer begins: what is wrong with the rows is a status, not an event.
    const first = await tokens.next();
    return reply
      .type('text/event-stream')
      .headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
      .send(Readable.from(formatEvents(first, tokens, wantsNumbers(request))));
  });

  /**
   * The last row after each step; ends early where the server is closing.
   * @param {{ session: Session, x: any, steps: number, signal: AbortSignal }} request
   * @returns {import('./events.js').Tokens}
   */
  async function* decode({ session, x, steps, signal }) {
    const { cache } = session;
    let input = x;
    for (let step = 0; step < steps; step++) {
      if (step > 0 && model.state === 'closing') return 'closing';
      const timeoutMs = settings.CALL_TIMEOUT_MS;
      const { output } = await model.layer.forward(input, { cache, causal: true, timeoutMs, signal });
      const row = output.data.subarray(-model.layer.outputDim);
      yield { position: session.tokens - 1, row };
      input = { shape: [1, row.length], data: row };
    }
    return 'done';
  }
}

/** @param {unknown} steps @param {number} most */
function readSteps(steps = 1, most) {
  if (typeof steps === 'number' && Number.isInteger(steps) && steps >= 1 && steps <= most) return steps;
  throw new Refusal(400, 'INVALID_OPTION', `Expected an integer from 1 to ${most} for steps`);
}

/** What can't be decoded to its end is not begun. @param {Session} session @param {any} x @param {number} steps */
function refuseMisfits({ tokens, cache }, x, steps) {
  const [count, ...rest] = x?.shape ?? [];
  if (!(count >= 1) || rest.length !== 1) {
    throw new Refusal(400, 'INVALID_SHAPE', 'Expected rows [tokens, modelDim] for x, at least one');
  }
  if (tokens + count + steps - 1 <= cache.maxTokens) return;
  const wanted = `${tokens} tokens, ${count} more and ${steps} steps`;
  throw new Refusal(
    409,
    'CACHE_FULL',
    `The session is made for ${cache.maxTokens} tokens, not for ${wanted}`,
  );
}

/** @param {Session} session */
function tell({ id, tokens, cache, idleMs }) {
  return { id, tokens, maxTokens: cache.maxTokens, idleMs };
}
