// Cuts an Arrow file, of the file or the stream format, into messages. Every length is held against the file before
// anything of that size is read, and bodies stay where they are.
import type { FileHandle } from 'node:fs/promises';
import { invalidFile } from '../../../core/errors.js';
import { attempt } from '../../attempt.js';
import { openRegularFile } from '../../open-file.js';
import { readFully, type Reading } from '../../positional-io.js';
import type { FlatVector } from './flatbuffer.js';
import {
  allocateBytes,
  cutShort,
  isMagic,
  magic,
  openStreamFormat,
  parsePrefix,
  prefixBytes,
  viewOf,
  type ArrowMessage,
  type MessageSource,
  type Messages,
} from './messages.js';
import { blockAt, readFooter, readMessage } from './metadata.js';
import { readFromMemory, readThroughWindow } from '../../windowed-reading.js';

interface OpenFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly file: Reading;
  readonly size: number;
}

/** Bodies up to this size are read at once. */
const smallBody = 2 ** 15;
/** It grows with the record batches of a file. */
const longestFooter = 2 ** 28;
/** With its padding. */
const magicBytes = 8;
/** The footer's length and the magic. */
const trailerBytes = 4 + magic.length;

/** @throws INVALID_FILE, FILE_FAILED */
export async function openFileMessages(path: string): Promise<MessageSource> {
  const { handle, size } = await openRegularFile(path);
  const open = { path, handle, size, file: readThroughWindow(handle) };
  try {
    const start = await readBytes(open, 0, Math.min(size, magicBytes));
    const source = isMagic(start)
      ? await openFileFormat(open)
      : await openStreamFormat(readStream(open), path);
    return { ...source, size, close: () => attempt(path, 'close', () => handle.close()) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openFileFormat(open: OpenFile) {
  const { path, size } = open;
  const trailerAt = size - trailerBytes;
  if (trailerAt < magicBytes) {
    throw invalidFile(path, `at least ${magicBytes + trailerBytes} bytes`, 'file', size);
  }
  const trailer = await readBytes(open, trailerAt, trailerBytes);
  const ending = Buffer.from(trailer.subarray(4)).toString('latin1');
  if (ending !== magic) throw invalidFile(path, `a footer that ends in ${magic}`, 'footer', ending);
  const length = viewOf(trailer).getInt32(0, true);
  const most = Math.min(trailerAt - magicBytes, longestFooter);
  if (length < 8 || length > most) {
    throw invalidFile(path, `a length from 8 to ${most}`, 'footer', length);
  }
  const limit = trailerAt - length;
  const footer = readFooter(await readBytes(open, limit, length), path);
  const { schema, dictionaries, records } = footer;
  return { schema, messages: readBlocks({ open, limit }, { dictionaries, records }) };
}

/** The messages of the file format, where its footer says that they are. */
async function* readBlocks(
  { open, limit }: { open: OpenFile; limit: number },
  blocks: { readonly dictionaries: FlatVector; readonly records: FlatVector },
): Messages {
  const { path } = open;
  for (const kind of ['dictionaries', 'records'] as const) {
    const name = kind === 'records' ? 'recordBatches' : 'dictionaries';
    let least = magicBytes;
    for (let index = 0; index < blocks[kind].length; index++) {
      const { offset, metadataLength, bodyLength } = blockAt(blocks[kind], index);
      const label = `${name}[${index}]`;
      // Blocks that overlap would let a small file say the same large one over and over.
      if (offset < least || offset > limit - prefixBytes) {
        throw invalidFile(path, `a place from ${least} to ${limit}`, `footer.${label}.offset`, offset);
      }
      const message = await openMessage(open, { offset, limit, label });
      if (message === undefined) throw invalidFile(path, 'a message', label, 'end of stream');
      const { begin, end, body, header } = message;
      const metadataBytes = end - body.byteLength - begin;
      if (metadataLength !== metadataBytes || bodyLength !== body.byteLength) {
        const what = `lengths ${metadataBytes} and ${body.byteLength}, as the message has,`;
        throw invalidFile(path, what, `footer.${label}`, [metadataLength, bodyLength]);
      }
      const wanted = kind === 'records' ? 'records' : 'dictionary';
      if (header.kind !== wanted) throw invalidFile(path, wanted, `${label}.header`, header.kind);
      yield message;
      least = message.end;
    }
  }
  return undefined;
}

async function* readStream(open: OpenFile): Messages {
  const { path, size: limit } = open;
  let offset = 0;
  for (let index = 0; ; index++) {
    const label = `message ${index}`;
    const message = await openMessage(open, { offset, limit, label });
    if (message === undefined) {
      const rest = limit - offset - prefixBytes;
      if (rest > 0) throw invalidFile(path, 'nothing after the end of the stream', 'data', rest);
      return undefined;
    }
    yield message;
    offset = message.end;
  }
}

/** The message at `offset`, or undefined for the end of the stream; both must lie in front of `limit`. */
async function openMessage(
  open: OpenFile,
  { offset, limit, label }: { offset: number; limit: number; label: string },
): Promise<ArrowMessage | undefined> {
  const { path, file, handle } = open;
  const place = { path, label };
  const prefix = await readBytes(open, offset, Math.min(prefixBytes, limit - offset));
  const metadataLength = parsePrefix(prefix, place);
  if (metadataLength === 0) return undefined;
  const position = offset + prefixBytes + metadataLength;
  if (position > limit) throw cutShort(place, 'metadata', metadataLength, limit - offset - prefixBytes);
  const metadata = await readBytes(open, offset + prefixBytes, metadataLength);
  const decoded = readMessage(metadata, place);
  const end = position + decoded.bodyLength;
  if (end > limit) throw cutShort(place, 'body', decoded.bodyLength, limit - position);
  const byteLength = decoded.bodyLength;
  const body = { file, handle, position, byteLength };
  const message = { ...decoded, place, body, begin: offset, end };
  if (byteLength > smallBody) return message;
  // Of many small ones several come out of one read.
  const memory = readFromMemory(await readBytes(open, position, byteLength));
  return { ...message, body: { file: memory, handle: memory, position: 0, byteLength } };
}

async function readBytes({ path, file }: OpenFile, position: number, length: number): Promise<Uint8Array> {
  const bytes = allocateBytes(path, length);
  await readFully(file, bytes, { path, position });
  return bytes;
}
