// Whether there still is somebody to answer.

/**
 * Aborted when the client goes before it has its answer. (A request's own signal is too late for that: it waits for an
 * event that comes when the body has been read.)
 * @param {import('fastify').FastifyReply} reply
 */
export function signalHangUp({ raw }) {
  const controller = new AbortController();
  const abort = () => {
    if (!raw.writableFinished) controller.abort();
  };
  if (raw.destroyed) abort();
  else raw.once('close', abort);
  return controller.signal;
}
