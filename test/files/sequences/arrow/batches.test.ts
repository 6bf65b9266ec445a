import { CompressionType, Message } from 'apache-arrow';
import { BodyCompression, RecordBatch } from 'apache-arrow/ipc/metadata/message';
import { refusesStream } from '../../../helpers/arrow-checks.js';
import { batchMessage, frame, streamFile, type BatchParts } from '../../../helpers/arrow-tables.js';

const lies = (title: string, parts: BatchParts, what: string): void => {
  refusesStream(title, streamFile(batchMessage(parts)), what);
};
const usual = [[0, 0], [0, 12], [16, 0], [16, 0], [16, 24]] as const; // prettier-ignore
lies('list offsets below 0', { offsets: [-1, 1, 3] }, '`message 1.buffers[1][0]`, got `-1`');
lies('list offsets that fall', { offsets: [0, 2, 1] }, '2 to 3 for `message 1.buffers[1][2]`, got `1`');
lies('list offsets beyond the rows', { offsets: [0, 1, 4] }, '`message 1.buffers[1][2]`, got `4`');
lies('more rows than columns have', { length: 3 }, '`message 1.nodes[0].length`, got `2`');
lies('rows without end', { length: 2 ** 52, nodes: [[2 ** 52, 0], [3, 0], [6, 0]] }, '`message 1.buffers[1]`, got `12`'); // prettier-ignore
lies('rows below 0', { length: -1 }, '`message 1.length`, got `-1`');
lies('fewer numbers than rows need', { nodes: [[2, 0], [3, 0], [5, 0]] }, '`message 1.nodes[2].length`, got `5`'); // prettier-ignore
lies('a negative length', { nodes: [[2, 0], [-3, 0], [6, 0]] }, '`message 1.nodes[1].length`, got `-3`'); // prettier-ignore
lies('more nulls than elements', { nodes: [[2, 3], [3, 0], [6, 0]] }, '`message 1.nodes[0].nullCount`, got `3`'); // prettier-ignore
lies('nulls without a bitmap', { nodes: [[2, 1], [3, 0], [6, 0]] }, '`message 1.buffers[0]`, got `0`'); // prettier-ignore
lies('too few nodes', { nodes: [[2, 0], [3, 0]] }, '3, as the schema has for `message 1.nodes`, got `2`'); // prettier-ignore
lies('too many buffers', { buffers: [...usual, [0, 0]] }, '`message 1.buffers`, got `6`');
lies(
  'a buffer beyond the body',
  { buffers: [...usual.slice(0, 4), [24, 24]] },
  '`message 1.buffers[4]`, got `[24,24]`',
);
lies(
  'a buffer before the body',
  { buffers: [...usual.slice(0, 4), [-8, 24]] },
  '`message 1.buffers[4]`, got `[-8,24]`',
);
lies('a buffer of negative length', { buffers: [...usual.slice(0, 4), [16, -24]] }, '`message 1.buffers[4]`');
lies('a buffer that is too short', { buffers: [...usual.slice(0, 4), [16, 23]] }, '24 bytes for `message 1.buffers[4]`, got `23`'); // prettier-ignore

const zstd = new BodyCompression(CompressionType.ZSTD);
const compressed = frame(Message.encode(Message.from(new RecordBatch(0, [], [], zstd))));
refusesStream('a compressed body without nodes', streamFile(compressed), '3, as the schema has for `message 1.nodes`'); // prettier-ignore
