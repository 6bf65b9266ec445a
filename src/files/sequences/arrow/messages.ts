// What the messages of an Arrow file are, wherever they come from, and how each begins.
// Format: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
import { HeadpoolError, invalidFile } from '../../../core/errors.js';
import type { Reading } from '../../positional-io.js';
import type { Metadata, Place } from './metadata.js';
import type { Schema } from './schema.js';

/** Where the buffers of a message are. */
export interface Body {
  /** For small reads that follow one another. */
  readonly file: Reading;
  /** For large reads, which may overlap in time. */
  readonly handle: Reading;
  /** Of its first byte in both. */
  readonly position: number;
  readonly byteLength: number;
}

export interface ArrowMessage extends Metadata {
  readonly place: Place;
  readonly body: Body;
  /** Its first byte and the one after it, counted in the whole file. */
  readonly begin: number;
  readonly end: number;
}

export interface MessageSource {
  readonly schema: Schema;
  /** The dictionaries and record batches, in order. */
  readonly messages: AsyncIterator<ArrowMessage, undefined>;
  /** Of the whole file; undefined for a pipe. */
  readonly size: number | undefined;
  close(): Promise<void>;
}

export type Messages = AsyncGenerator<ArrowMessage, undefined>;

/** What the file format begins and ends with. */
export const magic = 'ARROW1';
/** The continuation marker and the length of the metadata. */
export const prefixBytes = 8;
const continuation = 0xffffffff;
/** The longest metadata of a message accepted; a file of a hundred thousand columns has less. */
export const longestMetadata = 2 ** 25;

/** The schema that a stream begins with, and the rest of it. @throws INVALID_FILE, FILE_FAILED */
export async function openStreamFormat(messages: Messages, path: string) {
  const { value: first } = await messages.next();
  if (first?.header.kind === 'schema') return { schema: first.header.schema, messages };
  throw invalidFile(path, 'a schema', 'message 0', first?.header.kind);
}

/** The length of the metadata, 0 at the end of the stream. @throws INVALID_FILE */
export function parsePrefix(prefix: Uint8Array, { path, label }: Place): number {
  if (prefix.length < prefixBytes) {
    // Closing it without the marker is a legal end too, but so would end a writer that died.
    throw invalidFile(
      path,
      'a message or the end-of-stream marker',
      label,
      prefix.length === 0 ? undefined : prefix,
    );
  }
  const view = viewOf(prefix);
  if (view.getUint32(0, true) !== continuation) {
    const what = `the magic ${magic} or an Arrow stream, whose messages begin with ff ff ff ff,`;
    throw invalidFile(path, what, label, Buffer.from(prefix).toString('latin1'));
  }
  const length = view.getInt32(4, true);
  if (length === 0 || (length >= 8 && length <= longestMetadata)) return length;
  throw invalidFile(path, `a length from 8 to ${longestMetadata}`, `${label}.metadata`, length);
}

export function cutShort({ path, label }: Place, part: 'metadata' | 'body', length: number, found: number) {
  return invalidFile(path, `${length} bytes`, `${label}.${part}`, found);
}

/**
 * Memory of a size that a file asks for.
 * @throws MEMORY_LIMIT if it can't be had: sparse files promise more than there is and cost nothing
 */
export function allocateBytes(path: string, length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new HeadpoolError('MEMORY_LIMIT', `${path}: no memory for ${length} bytes of one message`, {
      cause,
    });
  }
}

export function isMagic(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, magic.length)).toString('latin1') === magic;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
