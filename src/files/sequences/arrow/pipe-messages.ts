// Cuts an Arrow stream that comes through a pipe into messages, one of which is in memory at a time.
import { invalidFile } from '../../../core/errors.js';
import { ByteQueue } from './byte-queue.js';
import {
  cutShort,
  isMagic,
  magic,
  openStreamFormat,
  parsePrefix,
  prefixBytes,
  type MessageSource,
  type Messages,
} from './messages.js';
import { readMessage } from './metadata.js';
import { readFromMemory } from '../../windowed-reading.js';

/** @throws INVALID_FILE, FILE_FAILED */
export async function openPipeMessages(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<MessageSource> {
  const queue = new ByteQueue(path, chunks);
  try {
    const source = await openStreamFormat(readPipe(path, queue), path);
    return { ...source, size: undefined, close: () => queue.close() };
  } catch (error) {
    await queue.close();
    throw error;
  }
}

async function* readPipe(path: string, queue: ByteQueue): Messages {
  let begin = 0;
  for (let index = 0; ; index++) {
    const place = { path, label: `message ${index}` };
    const prefix = await queue.take(prefixBytes);
    if (index === 0 && isMagic(prefix)) {
      throw invalidFile(
        path,
        'the stream format, since the file format can’t be read from a pipe,',
        'magic',
        magic,
      );
    }
    const metadataLength = parsePrefix(prefix, place);
    if (metadataLength === 0) {
      // Waits for the end, as a second stream after the first would else be lost in silence.
      const { length } = await queue.take(1);
      if (length > 0) throw invalidFile(path, 'nothing after the end of the stream', 'data', length);
      return undefined;
    }
    const metadata = await queue.take(metadataLength);
    if (metadata.length < metadataLength) {
      throw cutShort(place, 'metadata', metadataLength, metadata.length);
    }
    const decoded = readMessage(metadata, place);
    const bytes = await queue.take(decoded.bodyLength);
    if (bytes.length < decoded.bodyLength) throw cutShort(place, 'body', decoded.bodyLength, bytes.length);
    const file = readFromMemory(bytes);
    const end = begin + prefixBytes + metadataLength + decoded.bodyLength;
    yield {
      ...decoded,
      place,
      body: { file, handle: file, position: 0, byteLength: bytes.length },
      begin,
      end,
    };
    begin = end;
  }
}
