import test from 'ava';
import { openBytes, patched, refusesStream } from '../../../helpers/arrow-checks.js';
import {
  batchMessage,
  countUp,
  endOfStream,
  readAll,
  schemaMessage,
  streamFile,
  whole,
} from '../../../helpers/arrow-tables.js';

test('The file that the refused ones are made from is fine', async (t) => {
  t.like(await readAll(await openBytes(t, whole)), { lengths: [1, 2], numbers: countUp(3).flat() });
});

const schemaBytes = schemaMessage().length;
refusesStream('nothing', Buffer.alloc(0), '`message 0`, got nothing');
refusesStream('text', Buffer.from('id,x\n1,2\n3,4\n'), '`message 0`, got `"id,x');
refusesStream('a few bytes', whole.subarray(0, 5), '`message 0`');
refusesStream('a cut schema', whole.subarray(0, 60), '`message 0.metadata`, got `52`');
refusesStream('a cut record batch', whole.subarray(0, -9), '40 bytes for `message 1.body`, got `39`');
refusesStream(
  'no end of the stream',
  whole.subarray(0, -8),
  'end-of-stream marker for `message 2`, got nothing',
);
refusesStream(
  'two streams in one',
  Buffer.concat([whole, whole]),
  'nothing after the end of the stream for `data`',
);
refusesStream('a schema in the middle', streamFile(schemaMessage()), 'a single schema for `message 1`');
refusesStream(
  'no schema',
  Buffer.concat([batchMessage(), endOfStream]),
  'a schema for `message 0`, got `"records"`',
);
refusesStream('only an end', endOfStream, 'a schema for `message 0`, got nothing');
for (const length of [-8, 1, 2 ** 31 - 1]) {
  refusesStream(`metadata of ${length} bytes`, patched(whole, (copy) => copy.writeInt32LE(length, schemaBytes + 4)), `\`message 1.metadata\`, got \`${length}\``); // prettier-ignore
}
refusesStream('metadata longer than the file', patched(whole, (copy) => copy.writeInt32LE(2 ** 27, 4)), '`message 0.metadata`'); // prettier-ignore
refusesStream(
  'a body longer than the file',
  streamFile(batchMessage({ bodyLength: 2 ** 50 })),
  '`message 1.body`',
);
refusesStream('a body of negative length', streamFile(batchMessage({ bodyLength: -8 })), '`message 1.bodyLength`, got `-8n`'); // prettier-ignore
refusesStream('a root outside', patched(whole, (copy) => copy.writeUInt32LE(2 ** 31, schemaBytes + 8)), 'well-formed metadata for `message 1`'); // prettier-ignore
