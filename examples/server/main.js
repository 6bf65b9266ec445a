// Starts the server with the settings of the environment: `npm start`.
import { setFlagsFromString } from 'node:v8';
import { buildServer } from './app.js';
import { readSettings } from './settings.js';
import { closeOnSignals } from './shutdown.js';

// Bodies come in pieces of 64 KiB, which V8 counts beside what lives. That is so little here that V8 would look for dead
// ones many times a second; four times as much may lie about.
setFlagsFromString('--heap-growing-percent=300');

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
