// What orchestrators and monitors ask: does the process live, may it have work, how does it do.
import { formatMetrics } from './metrics.js';

/** @param {import('fastify').FastifyInstance} app @param {import('./app.js').Context} context */
export async function healthRoutes(app, context) {
  const { model } = context;
  app.get('/healthz', (_, reply) => reply.send({ status: 'alive' }));
  app.get('/readyz', (_, reply) =>
    reply.code(model.state === 'ready' ? 200 : 503).send({ status: model.state }),
  );
  app.get('/metrics', (_, reply) => reply.type('text/plain; version=0.0.4').send(formatMetrics(context)));
}
