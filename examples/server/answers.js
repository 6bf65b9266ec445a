// Rows as answers: safetensors where safetensors came, JSON where JSON came, unless the client says otherwise.
import { formatSafetensorsPieces } from 'headpool';
import { safetensorsType } from './bodies.js';

/** @typedef {import('headpool').Tensor} Tensor */

/** Whether rows are answered as numbers of JSON. @param {import('fastify').FastifyRequest} request */
export function wantsNumbers({ headers: { accept = '', 'content-type': sent = '' } }) {
  if (accept.includes('application/json')) return true;
  if (accept.includes(safetensorsType) || accept.includes('application/octet-stream')) return false;
  return sent.startsWith('application/json');
}

/**
 * @param {import('fastify').FastifyRequest} request
 * @param {import('fastify').FastifyReply} reply
 * @param {Tensor} output
 */
export function sendOutput(request, reply, output) {
  if (wantsNumbers(request)) return reply.send({ shape: output.shape, output: nest(output) });
  // Written by ourselves, because Fastify takes one buffer: a copy of the numbers would cost some 5 % of the throughput.
  const pieces = formatSafetensorsPieces(new Map([['output', output]]));
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': safetensorsType, 'content-length': length });
  for (const piece of pieces) reply.raw.write(piece);
  return reply.raw.end();
}

/** Lists in lists, an axis each. @param {Tensor} tensor @returns {unknown[]} */
function nest({ shape, data }) {
  const [length = 0, ...rest] = shape;
  if (rest.length === 0) return Array.from(data);
  const size = data.length / length;
  return Array.from({ length }, (_, index) =>
    nest({ shape: rest, data: data.subarray(index * size, (index + 1) * size) }),
  );
}
