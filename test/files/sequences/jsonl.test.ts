import { truncate, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { HeadpoolError } from '../../../src/errors.js';
import { jsonlFormat } from '../../../src/files/sequences/jsonl-format.js';
import { openJsonlStream } from '../../../src/files/sequences/jsonl/stream.js';
import { countTokens } from '../../../src/files/sequences/layout.js';
import type {
  Embedding,
  SequenceName,
  SequenceStream,
  StreamPosition,
  StreamSource,
} from '../../../src/files/sequences/sequences.js';
import { createRandom } from '../../../src/tensor/random.js';
import { rejects, writeScratch } from '../scratch.js';

const path = 'a.jsonl';
const good = '{"id":"good","x":[[1,2],[3,4]]}';

/** Rows of two numbers: id, and 10 times id. */
const embedding: Embedding = {
  modelDim: 2,
  vocabulary: 5,
  mostTokens: 3,
  embed: (ids, target) => {
    target.set(ids.flatMap((id) => [id, 10 * id]));
  },
};

interface Found {
  readonly name?: SequenceName;
  readonly rows?: readonly number[];
  readonly error?: HeadpoolError;
  readonly end: StreamPosition;
}

// eslint-disable-next-line @typescript-eslint/require-await -- What reads asks for an asynchronous one.
async function* chunksOf(text: string | Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function open(text: string | Uint8Array, options: Partial<StreamSource> = {}, longestLine?: number) {
  const source = { path, modelDim: 2, bytes: chunksOf(text, 7), ...options };
  return openJsonlStream(source, longestLine === undefined ? {} : { longestLine });
}

/** A span at a time, which are single sequences by default. */
async function readAll(stream: SequenceStream, modelDim = 2, mostTokens = -1): Promise<Found[]> {
  const found: Found[] = [];
  for (;;) {
    const span = await stream.next(mostTokens);
    if (span === undefined) break;
    if ('error' in span) {
      found.push(span);
      continue;
    }
    const target = new Float32Array(countTokens(span.lengths) * modelDim);
    await span.read(target);
    let at = 0;
    for (const [index, length] of span.lengths.entries()) {
      const rows = [...target.subarray(at, (at += length * modelDim))];
      found.push({ name: span.names![index]!, rows, end: span.end });
    }
  }
  await stream.close();
  return found;
}

const namesOf = (found: readonly Found[]) => found.map(({ name, error }) => (error ? 'damaged' : name));

test('Lines become sequences with their names and numbers', async (t) => {
  const text = '{"id":"a","x":[[1,2],[3,-4.5e-1]]}\n{"x":[],"id":7}\n {"x" : [ [ 0.1 ,\t-0 ] ] } \n';
  const found = await readAll(await open(text));
  t.deepEqual(namesOf(found), ['a', 7, null]);
  t.deepEqual(
    found.map(({ rows }) => rows),
    [[1, 2, 3, Math.fround(-0.45)], [], [Math.fround(0.1), -0]],
  );
});

test('Token ids become rows of the embedding', async (t) => {
  const found = await readAll(await open('{"tokens":[1,4]}\n{"tokens":[]}\n', { embedding }));
  t.deepEqual(
    found.map(({ rows }) => rows),
    [[1, 10, 4, 40], []],
  );
});

test('An embedding of another width is refused when the stream opens', async (t) => {
  await rejects(t, () => open(good, { modelDim: 3, embedding }), {
    code: 'INVALID_SHAPE',
    what: 'the width 3 for `embedding.modelDim`, got `2`',
  });
});

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

test('A byte order mark behind the beginning is damage', async (t) => {
  const [, second] = await readAll(await open(`${good}\n\ufeff${good}\n`));
  t.regex(second!.error!.message, /line 2, column 1/);
});

for (const text of ['', '\n', '\ufeff', ' \r\n\n']) {
  test(`A file of nothing but ${JSON.stringify(text)} has no sequences`, async (t) => {
    t.deepEqual(await readAll(await open(text)), []);
  });
}

/** A line between two good ones is a damaged sequence whose error says `what`; serial, because they are timed. */
const isDamaged = test.macro({
  title: (title) => `A line is damaged by ${title ?? ''}`,
  async exec(t: ExecutionContext, line: string | Uint8Array, what: string) {
    const text = Buffer.concat([`${good}\n`, line, `\n${good}\n`].map((part) => Buffer.from(part)));
    const started = performance.now();
    const bytes = chunksOf(text, Math.max(7, text.length / 100));
    const found = await readAll(await open('', { bytes, embedding }));
    t.true(performance.now() - started < 1000, 'took more than a second');
    t.deepEqual(namesOf(found), ['good', 'damaged', 'good']);
    const { error, end } = found[1]!;
    t.is(error?.code, 'INVALID_FILE');
    t.true(error?.message.startsWith(`${path}: expected `), error?.message);
    t.true(error?.message.includes(what), `${error?.message ?? ''}\n should name ${what}`);
    t.true(error!.message.length < 400);
    t.deepEqual(end, { sequence: 2, byte: text.length - good.length - 1, line: 2 });
  },
});

test.serial('no object', isDamaged, '[1]', '`line 2, column 1`, got `"[1]"`');
test.serial('no JSON', isDamaged, 'nonsense', '`line 2, column 1`, got `"nonsense"`');
test.serial('an empty object', isDamaged, '{}', '`x` or `tokens` for `line 2`, got nothing');
test.serial('an id alone', isDamaged, '{"id":1}', '`x` or `tokens` for `line 2`');
test.serial(
  'both x and tokens',
  isDamaged,
  '{"x":[],"tokens":[]}',
  'only one of `x` and `tokens` for `line 2, tokens`',
);
test.serial('both tokens and x', isDamaged, '{"tokens":[],"x":[]}', '`line 2, x`');
test.serial('a key twice', isDamaged, '{"x":[],"x":[]}', 'a single entry for `line 2, x`, got `2`');
test.serial(
  'a key twice, once escaped',
  isDamaged,
  '{"x":[],"\\u0078":[]}',
  'a single entry for `line 2, x`',
);
test.serial('an id twice', isDamaged, '{"id":1,"id":1,"x":[]}', '`line 2, id`');
test.serial(
  'an unknown key',
  isDamaged,
  '{"x":[],"token":[]}',
  '`line 2, column 9`, got `"token"` (string); did you mean `tokens`?',
);
test.serial(
  'the key __proto__',
  isDamaged,
  '{"__proto__":{"x":[]}}',
  'only `id`, `x` or `tokens` for `line 2, column 2`, got `"__proto__"`',
);
test.serial('a huge unknown key', isDamaged, `{"${'k'.repeat(1e6)}":1}`, '`line 2, column 2`');
test.serial('a key without quotes', isDamaged, '{x:[]}', 'a quoted key for `line 2, column 2`');
test.serial('a missing colon', isDamaged, '{"x" []}', '`:` for `line 2, column 6`');
test.serial('a missing comma', isDamaged, '{"x":[] "id":1}', '`}` for `line 2, column 9`');
test.serial('a comma at the end', isDamaged, '{"x":[],}', 'a quoted key for `line 2, column 9`');
test.serial(
  'a second object',
  isDamaged,
  '{"x":[]} {"x":[]}',
  'nothing behind the closing brace for `line 2, column 10`',
);
test.serial('an object cut in half', isDamaged, '{"x":[[1,2]]', '`}` for `line 2, column 13`, got nothing');
test.serial(
  'rows cut in half',
  isDamaged,
  '{"x":[[1,2],',
  'a row of 2 numbers for `line 2, x[1]`, got nothing',
);
test.serial('a row cut in half', isDamaged, '{"x":[[1,2],[3,4', '`]` for `line 2, x[1]`, got nothing');
test.serial('a number cut in half', isDamaged, '{"x":[[1,2],[3,4.', 'for `line 2, x[1][1]`, got `"4."`');
test.serial('an id of null', isDamaged, '{"id":null,"x":[]}', '`line 2, id`, got `null`');
test.serial('an id with a fraction', isDamaged, '{"id":1.5,"x":[]}', '`line 2, id`, got `1.5`');
test.serial('an id of 2^53', isDamaged, '{"id":9007199254740993,"x":[]}', '`line 2, id`');
test.serial('an id that is a list', isDamaged, '{"id":[1],"x":[]}', '`line 2, id`');
test.serial('an id that does not end', isDamaged, '{"id":"a', 'a string that ends for `line 2, column 7`');
test.serial('an id with an unknown escape', isDamaged, '{"id":"\\x","x":[]}', 'valid escapes');
test.serial('half a surrogate pair', isDamaged, '{"id":"\\ud800","x":[]}', 'valid escapes');
test.serial('a tab in an id', isDamaged, '{"id":"\t","x":[]}', 'control characters');
test.serial(
  'invalid UTF-8',
  isDamaged,
  Buffer.from('{"id":"\xff","x":[]}', 'latin1'),
  'valid UTF-8 for `line 2, column 7`',
);
test.serial(
  'invalid UTF-8 among numbers',
  isDamaged,
  Buffer.from('{"x":[[1,\xff]]}', 'latin1'),
  '`line 2, x[0][1]`',
);
test.serial('a no-break space', isDamaged, '{"x":[[1,\u00a02]]}', '`line 2, x[0][1]`');
test.serial('a flat x', isDamaged, '{"x":[1,2]}', 'a row of 2 numbers for `line 2, x[0]`, got `1` (number)');
test.serial('an x that is null', isDamaged, '{"x":null}', 'rows of 2 numbers for `line 2, x`, got `null`');
test.serial('an x that is an object', isDamaged, '{"x":{"0":[1,2]}}', '`line 2, x`');
test.serial('an empty row', isDamaged, '{"x":[[]]}', '`line 2, x[0]`, got `0`');
test.serial('a short row', isDamaged, '{"x":[[1,2],[3]]}', 'a row of 2 numbers for `line 2, x[1]`, got `1`');
test.serial('a long row', isDamaged, '{"x":[[1,2],[3,4,5]]}', '`line 2, x[1]`, got `3`');
test.serial('a very long row', isDamaged, `{"x":[[${'1,'.repeat(1e6)}1]]}`, '`line 2, x[0]`, got `1000001`');
test.serial('a comma behind a row', isDamaged, '{"x":[[1,2],]}', '`line 2, x[1]`, got nothing');
test.serial('a comma behind a number', isDamaged, '{"x":[[1,]]}', '`line 2, x[0][1]`, got nothing');
test.serial('two rows without a comma', isDamaged, '{"x":[[1,2][3,4]]}', '`]` for `line 2, column 12`');
test.serial(
  'the string NaN',
  isDamaged,
  '{"x":[[1,2],[3,4],[5,"NaN"]]}',
  'a number in the range of float32 for `line 2, x[2][1]`, got `"NaN"` (string)',
);
test.serial('the word NaN', isDamaged, '{"x":[[1,NaN]]}', '`line 2, x[0][1]`, got `"NaN"`');
test.serial('null among numbers', isDamaged, '{"x":[[null,1]]}', '`line 2, x[0][0]`, got `null`');
test.serial('a boolean among numbers', isDamaged, '{"x":[[1,true]]}', '`line 2, x[0][1]`, got `true`');
test.serial('an object among numbers', isDamaged, '{"x":[[1,{"a":2}]]}', '`line 2, x[0][1]`, got an object');
test.serial('a string with a bracket', isDamaged, '{"x":[[1,"]"]]}', '`line 2, x[0][1]`');
test.serial('1e400', isDamaged, '{"x":[[1,1e400]]}', '`line 2, x[0][1]`, got `Infinity`');
test.serial('1e39', isDamaged, '{"x":[[-1e39,1]]}', '`line 2, x[0][0]`, got `-1e+39`');
test.serial(
  'what rounds to infinity',
  isDamaged,
  '{"x":[[340282356779733661637539395458142568448,1]]}',
  '`line 2, x[0][0]`',
);
test.serial('a leading zero', isDamaged, '{"x":[[1,02]]}', '`line 2, x[0][1]`, got `"02"`');
test.serial('a plus', isDamaged, '{"x":[[+1,2]]}', '`line 2, x[0][0]`, got `"+1"`');
test.serial('rows nested too deep', isDamaged, '{"x":[[[1,2]]]}', '`line 2, x[0][0]`, got `"[1"`');
test.serial('a million brackets', isDamaged, `{"x":${'['.repeat(1e6)}`, '`line 2, x[0][0]`');
test.serial(
  'a million closed brackets',
  isDamaged,
  `{"x":${'['.repeat(1e6)}${']'.repeat(1e6)}}`,
  '`line 2, x[0][0]`',
);
test.serial('a million braces', isDamaged, `{"x":[[${'{"a":'.repeat(1e6)}1]]}`, '`line 2, x[0][0]`');
test.serial('a million closing brackets', isDamaged, `{"x":[[1,2]${']'.repeat(1e6)}}`, '`line 2, column 13`');
test.serial(
  'an id that the embedding lacks',
  isDamaged,
  '{"tokens":[1,5]}',
  'an id from 0 to 4 for `line 2, tokens[1]`, got `5`',
);
test.serial('a negative token', isDamaged, '{"tokens":[-1]}', '`line 2, tokens[0]`, got `-1`');
test.serial('a token with a fraction', isDamaged, '{"tokens":[0.5]}', '`line 2, tokens[0]`, got `0.5`');
test.serial('a token in quotes', isDamaged, '{"tokens":["1"]}', '`line 2, tokens[0]`, got `"1"`');
test.serial(
  'more tokens than positions',
  isDamaged,
  '{"tokens":[1,2,3,4]}',
  'at most 3 ids for `line 2, tokens`, got `4`',
);
test.serial(
  'tokens that are no list',
  isDamaged,
  '{"tokens":"abc"}',
  'at most 3 ids for `line 2, tokens`, got `"abc"`',
);

test('Tokens without an embedding are damage that says what is missing', async (t) => {
  const [found] = await readAll(await open('{"tokens":[1]}'));
  t.is(found?.error?.message, `${path}: expected an embedding table for \`line 1, tokens\`, got nothing`);
});

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

/** The lengths of each span, or 'damaged'. */
async function spansOf(stream: SequenceStream, mostTokens: number): Promise<unknown[]> {
  const spans: unknown[] = [];
  for (;;) {
    const span = await stream.next(mostTokens);
    if (span === undefined) return spans;
    spans.push('error' in span ? 'damaged' : span.lengths);
  }
}

test('A span holds what fits, at least one sequence, and ends before damage', async (t) => {
  const sequence = (length: number) => `{"x":[${new Array(length).fill('[1,2]').join()}]}\n`;
  const text = [2, 1, 0, 3, 9, 0].map(sequence).join('') + '!\n!\n' + [1, 0, 0].map(sequence).join('');
  const damaged = 'damaged';
  t.deepEqual(await spansOf(await open(text), 3), [[2, 1, 0], [3], [9], [0], damaged, damaged, [1, 0, 0]]);
  t.deepEqual(await spansOf(await open(text), 0), [
    [2],
    [1],
    [0],
    [3],
    [9],
    [0],
    damaged,
    damaged,
    [1],
    [0, 0],
  ]);
  t.deepEqual(await spansOf(await open(text), Infinity), [[2, 1, 0, 3, 9, 0], damaged, damaged, [1, 0, 0]]);
});

test('A file of sequences without tokens comes in spans of bounded size', async (t) => {
  const stream = await open('', { bytes: chunksOf('{"x":[]}\n'.repeat(70_000), 2 ** 16) });
  const spans = (await spansOf(stream, 1)) as number[][];
  t.deepEqual(
    spans.map(({ length }) => length),
    [65536, 4464],
  );
});

test('Spans are read in any order, each once and into memory of its size', async (t) => {
  const stream = await open('{"x":[[1,2]]}\n{"tokens":[3]}\n', { embedding });
  const [first, second] = [await stream.next(1), await stream.next(1)];
  if (first === undefined || second === undefined || 'error' in first || 'error' in second) {
    return void t.fail();
  }
  const target = new Float32Array(new SharedArrayBuffer(8));
  await second.read(target);
  t.deepEqual([...target], [3, 30]);
  await rejects(t, () => first.read(new Float32Array(3)), {
    code: 'INVALID_SHAPE',
    what: '2 numbers for `target`',
  });
  await first.read(target);
  t.deepEqual([...target], [1, 2]);
  await rejects(t, () => first.read(target), { code: 'INVALID_OPTION', path, what: 'only once' });
});

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
  await rejects(t, () => resume(33), { ...refusal, what: 'the beginning of a line for `byte 33`' });
  await rejects(t, () => resume(1000), {
    ...refusal,
    what: 'at least the 1000 bytes read before for `size`, got `63`',
  });
  await rejects(t, () => resume(64), { ...refusal, what: '`size`, got `63`' });
  await writeFile(file, `${good}\n${good}\n{"id":3,"x":[]}`);
  const found = await readAll(await resume(63));
  t.deepEqual(namesOf(found), [3], 'a newline that was added later');
  const start = { sequence: 1 };
  await rejects(t, () => jsonlFormat.openStream({ path: file, modelDim: 2, start }), {
    code: 'INVALID_OPTION',
    what: '`start.byte`',
  });
});

test('A file that shrinks under way is an error', async (t) => {
  const file = await writeScratch(t, 'a.jsonl', Buffer.from(`${good}\n`.repeat(100_000)));
  const stream = await jsonlFormat.openStream({ path: file, modelDim: 2 });
  t.like(await stream.next(2), { lengths: [2] });
  await truncate(file, 100);
  const rest = await stream.next(Infinity);
  t.true(rest !== undefined && 'lengths' in rest, 'what was read before is not lost');
  for (let call = 0; call < 2; call++) {
    await rejects(t, () => stream.next(2), { code: 'INVALID_FILE', path: file, what: 'a file of at least' });
  }
  await stream.close();
});

test('A missing file and a folder are refused', async (t) => {
  const folder = (await writeScratch(t, 'a', Buffer.alloc(0))).slice(0, -2);
  for (const name of [`${folder}/b.jsonl`, folder]) {
    await rejects(t, () => jsonlFormat.openStream({ path: name, modelDim: 2 }), {
      code: 'FILE_FAILED',
      path: name,
      what: 'could not open',
    });
  }
});

test('A failing pipe is an error behind what it gave before, at every call', async (t) => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield* chunksOf(`${good}\n{"x"`, 7);
    throw new Error('EIO: i/o error');
  }
  const stream = await open('', { bytes: failing() });
  t.like(await stream.next(Infinity), { lengths: [2] });
  for (let call = 0; call < 2; call++) {
    const error = await t.throwsAsync(stream.next(1), { instanceOf: HeadpoolError });
    t.like(error, { code: 'FILE_FAILED', message: `${path}: could not read: EIO: i/o error` });
  }
  await stream.close();
});

test('Closing early ends the source', async (t) => {
  let hasEnded = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield* chunksOf(`${good}\n`, 100);
    } finally {
      hasEnded = true;
    }
  }
  const stream = await open('', { bytes: endless() });
  await stream.next(2);
  await stream.close();
  await stream.close();
  t.true(hasEnded);
  const readable = new Readable({ read() {} });
  await (await open('', { bytes: readable })).close();
  t.true(readable.destroyed);
});

test('Closing settles a call that waits for bytes that never come', async (t) => {
  const sources: AsyncIterable<Uint8Array>[] = [
    new Readable({ read() {} }),
    (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{');
      await new Promise(() => {});
    })(),
  ];
  for (const bytes of sources) {
    const stream = await open('', { bytes });
    const waiting = rejects(t, () => stream.next(1), { code: 'FILE_FAILED', path, what: 'could not read' });
    await setImmediate();
    await stream.close();
    await waiting;
    await rejects(t, () => stream.next(1), { code: 'FILE_FAILED', path, what: 'could not read' });
  }
});

test('A closed file is read no further', async (t) => {
  const file = await writeScratch(t, 'a.jsonl', Buffer.from(good));
  const stream = await jsonlFormat.openStream({ path: file, modelDim: 2 });
  await stream.close();
  await stream.close();
  await rejects(t, () => stream.next(1), { code: 'FILE_FAILED', path: file, what: 'could not read' });
});

const finite = fc
  .integer({ min: 0, max: 2 ** 32 - 1 })
  .map((bits) => new Float32Array(Uint32Array.of(bits).buffer)[0]!)
  .filter((value) => Number.isFinite(value));
const wellFormed = fc.string({ unit: 'grapheme', maxLength: 6 });

test('What was encoded is read with the same bits, however either is cut', async (t) => {
  const cases = fc.integer({ min: 1, max: 5 }).chain((modelDim) =>
    fc.record({
      modelDim: fc.constant(modelDim),
      sequences: fc.array(
        fc.record({
          name: fc.oneof(wellFormed, fc.maxSafeInteger(), fc.constant(null)),
          rows: fc.array(fc.array(finite, { minLength: modelDim, maxLength: modelDim }), { maxLength: 4 }),
        }),
        { maxLength: 6 },
      ),
      chunk: fc.integer({ min: 1, max: 200 }),
      mostTokens: fc.integer({ min: 0, max: 12 }),
      cut: fc.nat(6),
    }),
  );
  await fc.assert(
    fc.asyncProperty(cases, async ({ modelDim, sequences, chunk, mostTokens, cut }) => {
      const outline = {
        path,
        form: 'packed',
        modelDim,
        dtype: 'f32',
        isPooled: false,
        metadata: new Map(),
      } as const;
      const encoder = await jsonlFormat.createEncoder!(outline);
      const parts = [sequences.slice(0, cut), sequences.slice(cut)].flatMap((part) =>
        encoder.encode(
          { lengths: part.map(({ rows }) => rows.length), names: part.map(({ name }) => name) },
          Float32Array.from(part.flatMap(({ rows }) => rows.flat())),
        ),
      );
      const text = Buffer.concat(parts as Uint8Array[]);
      const stream = await openJsonlStream({ path, modelDim, bytes: chunksOf(text, chunk) });
      const found = await readAll(stream, modelDim, mostTokens);
      t.deepEqual(
        found.map(({ name, rows }) => ({ name, rows })),
        sequences.map(({ name, rows }) => ({ name: Object.is(name, -0) ? 0 : name, rows: rows.flat() })),
      );
    }),
    { seed: 11, numRuns: 400 },
  );
});

test('Whatever is done to the bytes, reading ends, and what is damaged says so', async (t) => {
  const random = createRandom(12);
  const below = (count: number) => Math.floor(random.uniform() * count);
  const base = Buffer.from(
    `${good}\n{"id":"\u00e9\\n","x":[[1.5,-2e-3]]}\r\n{"tokens":[1,4]}\n\n{"x":[],"id":9}`,
  );
  const symbols = Buffer.from('{}[]",:\\0e-.\n\r \xff', 'latin1');
  let damaged = 0;
  for (let run = 0; run < 3000; run++) {
    let bytes = Buffer.from(base);
    for (let change = below(4); change >= 0; change--) {
      const at = below(bytes.length);
      const kind = below(4);
      if (kind === 0) bytes[at] = bytes[at]! ^ (1 << below(8));
      else if (kind === 1) bytes[at] = symbols[below(symbols.length)]!;
      else if (kind === 2) bytes = bytes.subarray(0, Math.max(1, at));
      else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(below(bytes.length))]);
      if (bytes.length === 0) bytes = Buffer.from('{');
    }
    const found = await readAll(
      await open('', { bytes: chunksOf(bytes, 1 + below(99)), embedding }, 200),
      2,
      below(5),
    );
    t.true(found.length <= bytes.length);
    for (const { error } of found.filter(({ error }) => error !== undefined)) {
      damaged++;
      if (error?.code !== 'INVALID_FILE' || !error.message.startsWith(`${path}: expected `))
        t.fail(error?.message);
    }
  }
  t.true(damaged > 1000);
});
