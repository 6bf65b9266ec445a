// Decodes a compressed buffer of a body: the length that it becomes, and a frame of the body's codec.
// Format: https://arrow.apache.org/docs/format/Columnar.html#compression
import type { Steps } from '../../../core/steps.js';
import { boundLz4Frame, decodeLz4Frame } from '../../compression/lz4-frame.js';
import { boundZstdFrame, decodeZstdFrame } from '../../compression/zstd-frame.js';
import type { Codec } from './metadata.js';

const lengthBytes = 8;
const notCompressed = -1n;

const decoders = {
  LZ4_FRAME: { bound: boundLz4Frame, decode: decodeLz4Frame },
  ZSTD: { bound: boundZstdFrame, decode: decodeZstdFrame },
} as const satisfies Record<Codec, object>;

/**
 * @param stored the whole buffer; what comes back may lie on it
 * @param allocate gives memory of a length that `stored` can fill
 * @throws Error saying what is wrong with it
 */
export function* decodeBuffer(
  stored: Uint8Array<ArrayBuffer>,
  codec: Codec,
  allocate: (length: number) => Uint8Array<ArrayBuffer>,
): Steps<Uint8Array<ArrayBuffer>> {
  if (stored.length === 0) return stored;
  if (stored.length < lengthBytes) throw new Error('its length is cut short');
  const length = new DataView(stored.buffer, stored.byteOffset).getBigInt64(0, true);
  const frame = stored.subarray(lengthBytes);
  if (length === notCompressed) return frame.slice();
  if (length === 0n) return frame.slice(0, 0);
  const { bound, decode } = decoders[codec];
  const most = bound(frame);
  if (length < 0n || length > most) throw new Error(`its length is ${length} instead of at most ${most}`);
  const target = allocate(Number(length));
  yield* decode(frame, target);
  return target;
}
