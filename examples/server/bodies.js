// Bodies of requests: rows as safetensors or as JSON, read into shared memory, where the engine takes them as they lie.
import { parseSafetensors } from 'headpool';
import { Refusal } from './errors.js';

/** @typedef {import('fastify').FastifyRequest} Request */
/** @typedef {import('node:http').IncomingMessage} Payload */
/** Far more than one tensor needs. */
const maxHeaderBytes = 2 ** 16;

export const safetensorsType = 'application/vnd.safetensors';

/** @param {import('fastify').FastifyInstance} app @param {import('./app.js').Context} context */
export function readBodies(app, { settings, memory, spare }) {
  app.removeAllContentTypeParsers();
  app.addHook('onRequest', (request, reply, done) => {
    memory.open(request, reply);
    done();
  });

  app.addContentTypeParser([safetensorsType, 'application/octet-stream'], readSafetensors);
  app.addContentTypeParser('application/json', readJson);

  /** @param {Request} request @param {Payload} payload */
  async function readSafetensors(request, payload) {
    const bytes = await collect(request, payload, settings.MAX_BODY_BYTES);
    const { tensors } = await parseSafetensors(bytes, { maxHeaderBytes });
    const x = tensors.get('x');
    if (x === undefined)
      throw new Refusal(400, 'INVALID_FILE', 'safetensors: expected a tensor of floats `x`');
    return { x };
  }

  /** @param {Request} request @param {Payload} payload */
  async function readJson(request, payload) {
    const bytes = await collect(request, payload, settings.MAX_JSON_BYTES);
    try {
      return JSON.parse(Buffer.from(bytes).toString());
    } catch (error) {
      throw new Refusal(400, 'INVALID_JSON', /** @type {Error} */ (error).message);
    }
  }

  /** @param {Request} request @param {Payload} payload @param {number} most */
  async function collect(request, payload, most) {
    const announced = Number(request.headers['content-length'] ?? 0);
    let problem = announced > most ? tooLong(most) : undefined;
    // Memory that is announced and doesn't come is never touched, and takes nothing.
    let bytes = makeBytes(problem === undefined ? announced : 0);
    let length = 0;
    // Left open in the end, so that there is a socket to answer on.
    for await (const chunk of payload.iterator({ destroyOnReturn: false })) {
      const end = length + chunk.length;
      if (end > most) problem ??= tooLong(most);
      else if (!memory.take(request, 2 * chunk.length)) problem ??= noRoom(); // The answer is as long.
      if (problem === undefined) {
        if (end > bytes.length) bytes = enlarge(bytes, Math.max(end, 2 * bytes.length));
        bytes.set(chunk, length);
      }
      length = end;
      // Who still sends doesn't hear of a problem yet: the rest is read and dropped, but not without end.
      if (length > 2 * most) break;
    }
    if (problem !== undefined) throw problem;
    return bytes.subarray(0, length);
  }

  /** @param {number} length */
  function makeBytes(length) {
    return new Uint8Array(spare.take(length) ?? new SharedArrayBuffer(length));
  }
}

/** @param {Uint8Array} bytes @param {number} length */
function enlarge(bytes, length) {
  const larger = new Uint8Array(new SharedArrayBuffer(length));
  larger.set(bytes);
  return larger;
}

/** @param {number} most */
function tooLong(most) {
  return new Refusal(413, 'BODY_TOO_LARGE', `Expected a body of at most ${most} bytes`);
}

function noRoom() {
  return new Refusal(503, 'NO_MEMORY', 'Open requests hold all the memory that they may');
}

/**
 * The rows and the options of a request: options stand beside `x` in JSON, or in the query.
 * @param {Request} request
 * @param {readonly string[]} names of the options that it may have
 * @returns {{ x: any, options: Record<string, any> }} unchecked: the library does that
 */
export function readInput({ body, query }, names) {
  const texts = Object.entries(/** @type {Record<string, string>} */ (query));
  const asked = Object.fromEntries(texts.map(([name, text]) => [name, parseOption(text)]));
  const { x, ...options } = { ...asked, .../** @type {object} */ (body) };
  if (!Object.keys(options).every((name) => names.includes(name))) {
    throw new Refusal(400, 'UNKNOWN_OPTION', `Expected nothing beside x but ${names.join(', ')}`);
  }
  return { x: Array.isArray(x) ? tensorOf(x) : x, options };
}

/** @param {string} text */
function parseOption(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @param {readonly unknown[]} rows */
function tensorOf(rows) {
  const width = Array.isArray(rows[0]) ? rows[0].length : 0;
  if (!rows.every((row) => Array.isArray(row) && row.length === width && row.every(isFloat32))) {
    throw new Refusal(400, 'INVALID_SHAPE', 'Expected rows of float32 numbers, all of one length, for x');
  }
  const data = new Float32Array(new SharedArrayBuffer(4 * rows.length * width));
  rows.forEach((row, index) => data.set(/** @type {number[]} */ (row), index * width));
  return { shape: [rows.length, width], data };
}

/** @param {unknown} value */
function isFloat32(value) {
  return typeof value === 'number' && Number.isFinite(Math.fround(value));
}
