import { writeFile } from 'node:fs/promises';
import test from 'ava';
import { jsonlFormat } from '../../../../src/files/sequences/jsonl-format.js';
import { assertRefused } from '../../../helpers/assertions.js';
import { good, namesOf, open, readAll } from '../../../helpers/jsonl-streams.js';
import { writeScratch } from '../../scratch.js';

const messy = `\ufeff${good}\r\n\n{"id":2,"x":[[5,6]]}\n!\n\n \n{"id":3,"x":[]}\n{"id":4,"x":[[7,8]]}`;

test('A stream goes on where another stopped, damage and blank lines counted', async (t) => {
  const file = await writeScratch(t, 'a.jsonl', Buffer.from(messy));
  const source = { path: file, modelDim: 2 };
  const whole = await readAll(await jsonlFormat.openStream(source));
  t.deepEqual(namesOf(whole), ['good', 2, 'damaged', 3, 4]);
  t.deepEqual(
    whole.map(({ end }) => [end.sequence, end.line]),
    [
      [1, 1],
      [2, 3],
      [3, 4],
      [4, 7],
      [5, 8],
    ],
  );
  for (const [index, { end }] of whole.entries()) {
    const rest = await readAll(await jsonlFormat.openStream({ ...source, start: end }));
    t.deepEqual(
      rest.map(({ error, ...found }) => ({ ...found, message: error?.message })),
      whole.slice(index + 1).map(({ error, ...found }) => ({ ...found, message: error?.message })),
    );
  }
  const start = { sequence: 0 };
  t.is((await readAll(await jsonlFormat.openStream({ ...source, start }))).length, 5);
});

test('The share of a file grows to 1, and is unknown of a pipe', async (t) => {
  const file = await writeScratch(t, 'a.jsonl', Buffer.from(`${good}\n`.repeat(4)));
  const stream = await jsonlFormat.openStream({ path: file, modelDim: 2 });
  t.like(stream, { path: file, form: 'packed', layout: undefined, metadata: new Map() });
  const shares: unknown[] = [];
  for (let span; (span = await stream.next(2)) !== undefined;) shares.push('share' in span && span.share);
  t.deepEqual(shares, [0.25, 0.5, 0.75, 1]);
  await stream.close();
  t.like(await (await open(good)).next(1), { share: undefined });
});

test('A file that has changed since is refused where no line begins at the position', async (t) => {
  const file = await writeScratch(t, 'a.jsonl', Buffer.from(`${good}\n${good}`));
  const resume = (byte: number) =>
    jsonlFormat.openStream({ path: file, modelDim: 2, start: { sequence: 1, byte, line: 1 } });
  const refusal = { code: 'INVALID_FILE', path: file } as const;
  await assertRefused(t, () => resume(33), { ...refusal, what: 'the beginning of a line for `byte 33`' });
  await assertRefused(t, () => resume(1000), {
    ...refusal,
    what: 'at least the 1000 bytes read before for `size`, got `63`',
  });
  await assertRefused(t, () => resume(64), { ...refusal, what: '`size`, got `63`' });
  await writeFile(file, `${good}\n${good}\n{"id":3,"x":[]}`);
  const found = await readAll(await resume(63));
  t.deepEqual(namesOf(found), [3], 'a newline that was added later');
  const start = { sequence: 1 };
  await assertRefused(t, () => jsonlFormat.openStream({ path: file, modelDim: 2, start }), {
    code: 'INVALID_OPTION',
    what: '`start.byte`',
  });
});
