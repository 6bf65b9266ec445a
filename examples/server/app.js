// The server: its limits, its routes, and the order in which it ends.
import Fastify, { LogController } from 'fastify';
import { attentionRoutes } from './attention.js';
import { readBodies } from './bodies.js';
import { decodingRoutes } from './decoding.js';
import { answerErrors, Refusal } from './errors.js';
import { healthRoutes } from './health.js';
import { HeldMemory } from './held-memory.js';
import { Model } from './model.js';
import { Sessions } from './sessions.js';
import { SpareMemory } from './spare-memory.js';

/**
 * What routes share.
 * @typedef {{
 *   settings: import('./settings.js').Settings,
 *   model: Model,
 *   sessions: Sessions,
 *   memory: HeldMemory,
 *   spare: SpareMemory,
 * }} Context
 */

/**
 * A server that doesn't listen yet; its engine starts at once.
 * @param {import('./settings.js').Settings} settings
 */
export function buildServer(settings) {
  const app = Fastify({
    logger: { level: settings.LOG_LEVEL },
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: settings.REQUEST_TIMEOUT_MS,
    // For a socket on which nothing moves, while a call is computed too.
    connectionTimeout: settings.REQUEST_TIMEOUT_MS + settings.CALL_TIMEOUT_MS,
    keepAliveTimeout: 5000,
    // The hook below refuses what comes then, and leaves the probes.
    return503OnClosing: false,
    http: {
      headersTimeout: Math.min(10_000, settings.REQUEST_TIMEOUT_MS),
      connectionsCheckingInterval: 1000,
    },
  });
  app.server.maxConnections = settings.MAX_CONNECTIONS;

  const model = new Model(settings, app.log);
  const memory = new HeldMemory(settings.MAX_HELD_BYTES);
  const spare = new SpareMemory(settings.MAX_SPARE_BYTES);
  const sessions = new Sessions(model, settings);
  const context = { settings, model, memory, spare, sessions };

  answerErrors(app);
  app.register(healthRoutes, context);
  app.register(async (api) => {
    api.addHook('onRequest', (_, __, done) => {
      if (model.state === 'closing') throw new Refusal(503, 'CLOSING', 'The server is closing');
      done();
    });
    readBodies(api, context);
    api.register(attentionRoutes, context);
    api.register(decodingRoutes, context);
  });

  // Streams end after the event that they are at; open requests are answered; then:
  app.addHook('preClose', () => model.leave());
  app.addHook('onClose', async () => {
    sessions.disposeAll();
    await model.close();
  });
  return Object.assign(app, { model });
}
