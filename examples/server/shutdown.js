// The end: on SIGTERM or SIGINT the server closes and the process ends by itself; a second signal ends it at once.
const signals = /** @type {const} */ (['SIGTERM', 'SIGINT']);

/** @param {ReturnType<typeof import('./app.js').buildServer>} server @param {number} timeoutMs for requests that are open */
export function closeOnSignals(server, timeoutMs) {
  const close = async (/** @type {string} */ signal) => {
    for (const each of signals) process.off(each, close);
    server.log.info(`${signal}: closing`);
    const deadline = setTimeout(async () => {
      // Calls that are still open are refused, and their clients told so; then who hasn't sent all is cut off.
      await server.model.close({ timeoutMs: 0 });
      server.server.closeAllConnections();
    }, timeoutMs);
    await server.close();
    clearTimeout(deadline);
  };
  for (const each of signals) process.on(each, close);
}
