// Every setting of the server: its variable of the environment, its default, and what it may be.

/** @param {number} standard @param {number} least @param {number} [most] */
function integer(standard, least, most = Number.MAX_SAFE_INTEGER) {
  return (/** @type {string} */ name, /** @type {string | undefined} */ text) => {
    if (text === undefined) return standard;
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new Error(`Expected an integer from ${least} to ${most} for ${name}, got "${text}"`);
  };
}

/** @template {string} T @param {readonly [T, ...T[]]} choices the default first */
function choice(...choices) {
  return (/** @type {string} */ name, /** @type {string | undefined} */ text) => {
    if (text === undefined) return choices[0];
    const chosen = choices.find((each) => each === text);
    if (chosen !== undefined) return chosen;
    throw new Error(`Expected one of ${choices.join(', ')} for ${name}, got "${text}"`);
  };
}

/** @param {string} standard */
function words(standard) {
  return (/** @type {string} */ _, text = standard) => text;
}

const MiB = 2 ** 20;

/** By the variable that sets each. */
const table = {
  // Where it listens
  HOST: words('127.0.0.1'),
  PORT: integer(8080, 0, 65_535),
  LOG_LEVEL: choice('info', 'silent', 'error', 'warn', 'debug'),

  // The layer: a checkpoint, or random weights to try it with
  WEIGHTS: words(''),
  LAYER: words(''),
  HEADS: integer(0, 0),
  MODEL_DIM: integer(512, 1),

  // Where it computes; 0: as many threads, as much memory as headpool takes by itself
  DEVICE: choice('cpu', 'gpu'),
  THREADS: integer(0, 0, 1024),
  MEMORY_BYTES: integer(0, 0),

  // Calls
  MAX_QUEUE: integer(256, 1),
  MAX_BATCH: integer(1024, 1),
  CALL_TIMEOUT_MS: integer(10_000, 1, 2 ** 31 - 1),

  // Requests
  MAX_CONNECTIONS: integer(1024, 1),
  MAX_BODY_BYTES: integer(64 * MiB, 1),
  MAX_JSON_BYTES: integer(MiB, 1),
  MAX_HELD_BYTES: integer(256 * MiB, 1),
  MAX_SPARE_BYTES: integer(64 * MiB, 0),
  REQUEST_TIMEOUT_MS: integer(30_000, 1, 2 ** 31 - 1),

  // Sessions
  MAX_SESSIONS: integer(64, 0),
  MAX_SESSION_TOKENS: integer(4096, 1),
  SESSION_IDLE_MS: integer(60_000, 1, 2 ** 31 - 1),

  // How long open calls may still take once the server is told to end
  CLOSE_TIMEOUT_MS: integer(10_000, 0, 2 ** 31 - 1),
};

/** @typedef {{ readonly [Name in keyof typeof table]: ReturnType<(typeof table)[Name]> }} Settings */

/**
 * The settings that variables say; those that are missing or empty have their defaults.
 * @param {Readonly<Record<string, string | undefined>>} variables such as process.env
 * @returns {Settings}
 */
export function readSettings(variables) {
  const entries = Object.entries(table).map(([name, read]) => [
    name,
    read(name, variables[name] || undefined),
  ]);
  return Object.freeze(Object.fromEntries(entries));
}
