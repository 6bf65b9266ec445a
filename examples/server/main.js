// Starts the server with the settings of the environment: `npm start`.
import { buildServer } from './app.js';
import { readSettings } from './settings.js';
import { closeOnSignals } from './shutdown.js';

try {
  const settings = readSettings(process.env);
  const server = buildServer(settings);
  try {
    closeOnSignals(server, settings.CLOSE_TIMEOUT_MS);
    await server.listen({ host: settings.HOST, port: settings.PORT });
    await server.model.started;
  } catch (error) {
    await server.close();
    throw error;
  }
} catch (error) {
  console.error(/** @type {Error} */ (error).message);
  process.exitCode = 1;
}
