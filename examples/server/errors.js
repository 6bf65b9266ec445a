// What is answered where a request can't be: a status, a code and a message, and never a stack.
import { HeadpoolError, httpStatuses } from 'headpool';

/** A refusal of the server's own. */
export class Refusal extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** When to come back where there is no room now. */
const retryAfterSeconds = 1;

/** @param {import('fastify').FastifyInstance} app */
export function answerErrors(app) {
  app.setErrorHandler((error, request, reply) => {
    // Nobody is there to be answered.
    if (reply.raw.destroyed) return reply.code(499).send();
    const { status, code, message } = describe(error);
    if (status >= 500 && status !== 503) request.log.error(error);
    if (status === 503) reply.header('retry-after', retryAfterSeconds);
    return reply.code(status).type('application/json').send({ code, message });
  });
  app.setNotFoundHandler(() => {
    throw new Refusal(404, 'NOT_FOUND', 'Nothing is answered at this address and method');
  });
}

/** @param {unknown} error @returns {{ status: number, code: string, message: string }} */
export function describe(error) {
  if (error instanceof Refusal) return error;
  if (error instanceof HeadpoolError) {
    return { status: httpStatuses[error.code], code: error.code, message: error.message };
  }
  // Of Fastify: a body that is no JSON, a media type that nothing here reads.
  const { statusCode = 500, code, message } = /** @type {import('fastify').FastifyError} */ (error);
  if (statusCode < 500) return { status: statusCode, code, message };
  return { status: 500, code: 'INTERNAL', message: 'The server failed; its log says why' };
}
