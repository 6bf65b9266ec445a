// Decoded tokens as Server-Sent Events: an event each, and one that says how it ended.
import { describe } from './errors.js';

/** @typedef {{ position: number, row: Float32Array<SharedArrayBuffer> }} Token */
/** @typedef {AsyncGenerator<Token, 'done' | 'closing'>} Tokens */

/**
 * @param {IteratorResult<Token, 'done' | 'closing'>} first already taken from `tokens`
 * @param {Tokens} tokens
 * @param {boolean} asNumbers whether rows are lists; else base64 of their float32 numbers, little-endian
 */
export async function* formatEvents(first, tokens, asNumbers) {
  try {
    let next = first;
    for (; next.done !== true; next = await tokens.next()) {
      const { position, row } = next.value;
      yield formatEvent('token', { position, row: asNumbers ? Array.from(row) : toBase64(row) });
    }
    yield formatEvent('end', { reason: next.value });
  } catch (error) {
    const { code, message } = describe(error);
    yield formatEvent('error', { code, message });
  }
}

/** @param {string} name @param {object} data */
function formatEvent(name, data) {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** @param {Float32Array<SharedArrayBuffer>} row */
function toBase64({ buffer, byteOffset, byteLength }) {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}
