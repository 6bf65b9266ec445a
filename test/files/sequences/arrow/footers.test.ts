import { MetadataVersion } from 'apache-arrow';
import { FileBlock, Footer } from 'apache-arrow/ipc/metadata/file';
import test from 'ava';
import { assertRefused } from '../../../helpers/assertions.js';
import { everything, openBytes, patched, refuses } from '../../../helpers/arrow-checks.js';
import { chunksOf, fileOf, openArrow, readAll } from '../../../helpers/arrow-tables.js';

const footerAt = (bytes: Buffer): number => bytes.length - 10 - bytes.readInt32LE(bytes.length - 10);

/** The file with a footer of other blocks: [offset, metadata, body] each. */
function refooted(
  blocks: (blocks: FileBlock[]) => FileBlock[],
  kind: 'records' | 'dictionaries' = 'records',
): Buffer {
  const bytes = fileOf();
  const old = Footer.decode(bytes.subarray(footerAt(bytes), -10));
  const changed = blocks([...old.recordBatches()]);
  const footer = Footer.encode(
    kind === 'records'
      ? new Footer(old.schema, MetadataVersion.V5, changed, [])
      : new Footer(old.schema, MetadataVersion.V5, [], changed),
  );
  const length = Buffer.alloc(4);
  length.writeInt32LE(footer.length);
  return Buffer.concat([bytes.subarray(0, footerAt(bytes)), footer, length, Buffer.from('ARROW1')]);
}

const moved = ({ metaDataLength, bodyLength, offset }: FileBlock, by: Partial<FileBlock>): FileBlock =>
  new FileBlock(by.metaDataLength ?? metaDataLength, by.bodyLength ?? bodyLength, by.offset ?? offset);

test('A footer that was put together anew is fine', async (t) => {
  t.like(
    await readAll(
      await openBytes(
        t,
        refooted((blocks) => blocks),
      ),
    ),
    everything,
  );
});
test(
  'a file cut in the middle',
  refuses,
  fileOf().subarray(0, 500),
  'a footer that ends in ARROW1 for `footer`',
);
test('only the magic', refuses, Buffer.from('ARROW1\0\0'), 'at least 18 bytes for `file`, got `8`');
test('only two magics', refuses, Buffer.from('ARROW1\0\0\0\0\0\0ARROW1'), '`footer`, got `0`');
for (const length of [-1, 7, 2 ** 30]) {
  test(`a footer of ${length} bytes`, refuses, patched(fileOf(), (copy) => copy.writeInt32LE(length, copy.length - 10)), `\`footer\`, got \`${length}\``); // prettier-ignore
}
test('a footer of noise', refuses, patched(fileOf(), (copy) => copy.fill(0xa5, footerAt(copy), copy.length - 10)), 'well-formed metadata for `footer`'); // prettier-ignore
test('a block before the file', refuses, refooted(([first]) => [moved(first!, { offset: -8 })]), '`footer.recordBatches[0].offset`, got `-8`'); // prettier-ignore
test('a block beyond the file', refuses, refooted(([first]) => [moved(first!, { offset: 2 ** 40 })]), '`footer.recordBatches[0].offset`'); // prettier-ignore
test(
  'a block twice',
  refuses,
  refooted(([first]) => [first!, first!]),
  '`footer.recordBatches[1].offset`',
);
test('a block in the middle of a message', refuses, refooted(([first]) => [moved(first!, { offset: 16 })]), '`recordBatches[0]`'); // prettier-ignore
test('a block with other metadata', refuses, refooted(([first]) => [moved(first!, { metaDataLength: 8 })]), 'as the message has, for `footer.recordBatches[0]`'); // prettier-ignore
test('a block with another body', refuses, refooted(([first]) => [moved(first!, { bodyLength: 2 ** 40 })]), 'as the message has, for `footer.recordBatches[0]`'); // prettier-ignore
test('a block of another kind', refuses, refooted((blocks) => blocks, 'dictionaries'), 'dictionary for `dictionaries[0].header`, got `"records"`'); // prettier-ignore

test('The file format can’t be read from a pipe, which the error says', async (t) => {
  await assertRefused(t, () => openArrow('-', { bytes: chunksOf(fileOf(), 100) }), {
    code: 'INVALID_FILE',
    path: '-: ',
    what: 'the file format can’t be read from a pipe',
  });
});
