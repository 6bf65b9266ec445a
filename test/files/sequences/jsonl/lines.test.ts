import test from 'ava';
import { chunksOf, good, namesOf, open, path, readAll } from '../../../helpers/jsonl-streams.js';

test('CRLF, a byte order mark, blank lines and a missing last newline are fine', async (t) => {
  const text = `\ufeff${good}\r\n\r\n \t\n{"x":[]}\r\n\n{"id":3,"x":[]}`;
  for (const size of [1, 2, 1000]) {
    const found = await readAll(await open(text, { bytes: chunksOf(text, size) }));
    t.deepEqual(namesOf(found), ['good', null, 3]);
    t.deepEqual(
      found.map(({ end }) => end.line),
      [1, 4, 6],
    );
    t.is(found.at(-1)?.end.byte, Buffer.byteLength(text));
  }
});

test('A byte order mark after the beginning is damage', async (t) => {
  const [, second] = await readAll(await open(`${good}\n\ufeff${good}\n`));
  t.regex(second!.error!.message, /line 2, column 1/);
});

for (const text of ['', '\n', '\ufeff', ' \r\n\n']) {
  test(`A file of nothing but ${JSON.stringify(text)} has no sequences`, async (t) => {
    t.deepEqual(await readAll(await open(text)), []);
  });
}

test('The largest float32 and numbers of many digits are read', async (t) => {
  const long = `0.${'1'.repeat(2e6)}`;
  const found = await readAll(await open(`{"x":[[3.4028235677973362e38,${long}],[-1e-400,1e-45]]}`));
  t.deepEqual(found[0]?.rows, [2 ** 128 - 2 ** 104, Math.fround(1 / 9), -0, 2 ** -149]);
});

test('A line beyond the limit is damage, and what follows it is read', async (t) => {
  const long = `{"x":[${'[1,2],'.repeat(100)}[1,2]]}`;
  for (const size of [1, 7, 1000]) {
    const text = `${good}\n${long}\n${good}\n${long}`;
    const found = await readAll(await open(text, { bytes: chunksOf(text, size) }, 40));
    t.deepEqual(namesOf(found), ['good', 'damaged', 'good', 'damaged']);
    const message = `${path}: expected at most 40 bytes for \`line 2\`, got \`${long.length}\` (number)`;
    t.is(found[1]?.error?.message, message);
    t.is(found[3]?.end.byte, text.length);
  }
});

test('A line as long as the limit is read', async (t) => {
  for (const size of [1, 1000]) {
    const bytes = chunksOf(`${good}\n${good}`, size);
    t.is(namesOf(await readAll(await open('', { bytes }, good.length))).join(), 'good,good');
  }
});

test('Where damage ends the reading, nothing is read of a line after its limit', async (t) => {
  let count = 0;
  const bytes = (async function* () {
    for (;;) yield Promise.resolve(Buffer.alloc(16, ++count > 0 ? 'x' : ''));
  })();
  const stream = await open('', { bytes, isEndedByDamage: true }, 40);
  const span = await stream.next(1);
  t.true(span !== undefined && 'error' in span && span.error.message.includes('at most 40 bytes'));
  t.is(count, 3);
  await stream.close();
});

test('While a long line is read, others have their turns', async (t) => {
  const text = `{"x":[${'[0.123456789,-1.5e-7],'.repeat(500_000)}[1,2]]}`;
  const stream = await open(text);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const span = await stream.next(1);
  clearInterval(timer);
  t.deepEqual(span && 'lengths' in span && span.lengths, [500_001]);
  t.true(turns > 2, `${turns} turns`);
  await stream.close();
});
