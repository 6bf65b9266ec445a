import test, { type ExecutionContext } from 'ava';
import { chunksOf, embedding, good, namesOf, open, path, readAll } from '../../../helpers/jsonl-streams.js';
import { soon } from '../../../helpers/cpu-time.js';

/** A line between two good ones is a damaged sequence whose error says `what`; serial, because their work is measured. */
const isDamaged = test.macro({
  title: (title) => `A line is damaged by ${title ?? ''}`,
  async exec(t: ExecutionContext, line: string | Uint8Array, what: string) {
    const text = Buffer.concat([`${good}\n`, line, `\n${good}\n`].map((part) => Buffer.from(part)));
    const bytes = chunksOf(text, Math.max(7, text.length / 100));
    const found = await soon(t, async () => readAll(await open('', { bytes, embedding })));
    t.deepEqual(namesOf(found), ['good', 'damaged', 'good']);
    const { error, end } = found[1]!;
    t.is(error?.code, 'INVALID_FILE');
    t.true(error?.message.startsWith(`${path}: expected `), error?.message);
    t.true(error?.message.includes(what), `${error?.message ?? ''}\n should name ${what}`);
    t.true(error!.message.length < 400);
    t.deepEqual(end, { sequence: 2, byte: text.length - good.length - 1, line: 2 });
  },
});

test.serial(
  'a bare row of another width',
  isDamaged,
  '[1]',
  'a row of 2 numbers for `line 2, rows`, got `1`',
);
test.serial('something after bare rows', isDamaged, '[[1,2]],', 'nothing after the closing bracket');
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
test.serial('a key twice', isDamaged, '{"x":[],"x":[]}', 'expected `line 2, x` once, got it twice');
test.serial('a key twice, once escaped', isDamaged, '{"x":[],"\\u0078":[]}', 'expected `line 2, x` once');
test.serial('an id twice', isDamaged, '{"id":1,"id":1,"x":[]}', 'expected `line 2, id` once');
test.serial(
  'other keys alone',
  isDamaged,
  '{"id":1,"token":[],"y":{}}',
  '`x` or `tokens` for `line 2`, got nothing; `--field` can name another of its fields: token, y',
);
test.serial(
  'the key __proto__',
  isDamaged,
  '{"__proto__":{"x":[]}}',
  '`x` or `tokens` for `line 2`, got nothing; `--field` can name another of its fields: __proto__',
);
test.serial(
  'a huge unknown key',
  isDamaged,
  `{"${'k'.repeat(1e6)}":1}`,
  '`x` or `tokens` for `line 2`, got nothing',
);
for (const [value, place] of [
  ['[1,{"a":[}]', 'a value of JSON for `line 2, column 15`'],
  ['{"a" 1}', '`:` for `line 2, column 11`'],
  ['[1 2]', '`,` or `]` for `line 2, column 9`'],
  ['{1:2}', 'a quoted key for `line 2, column 7`'],
  ['01', 'a value of JSON for `line 2, column 6`'],
  ['"\\q"', 'a string with valid escapes'],
  ['['.repeat(1e5), 'a value of JSON'],
] as const) {
  test.serial(`another field of ${value.slice(0, 20)}`, isDamaged, `{"a":${value},"x":[]}`, place);
}
test.serial('a key without quotes', isDamaged, '{x:[]}', 'a quoted key for `line 2, column 2`');
test.serial('a missing colon', isDamaged, '{"x" []}', '`:` for `line 2, column 6`');
test.serial('a missing comma', isDamaged, '{"x":[] "id":1}', '`}` for `line 2, column 9`');
test.serial('a comma at the end', isDamaged, '{"x":[],}', 'a quoted key for `line 2, column 9`');
test.serial(
  'a second object',
  isDamaged,
  '{"x":[]} {"x":[]}',
  'nothing after the closing brace for `line 2, column 10`',
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
test.serial(
  'a flat x of another width',
  isDamaged,
  '{"x":[1,2,3]}',
  'a row of 2 numbers for `line 2, x`, got `3`',
);
test.serial('an x that is null', isDamaged, '{"x":null}', 'rows of 2 numbers for `line 2, x`, got `null`');
test.serial('an x that is an object', isDamaged, '{"x":{"0":[1,2]}}', '`line 2, x`');
test.serial('an empty row', isDamaged, '{"x":[[]]}', '`line 2, x[0]`, got `0`');
test.serial('a short row', isDamaged, '{"x":[[1,2],[3]]}', 'a row of 2 numbers for `line 2, x[1]`, got `1`');
test.serial('a long row', isDamaged, '{"x":[[1,2],[3,4,5]]}', '`line 2, x[1]`, got `3`');
test.serial('a very long row', isDamaged, `{"x":[[${'1,'.repeat(1e6)}1]]}`, '`line 2, x[0]`, got `1000001`');
test.serial('a comma after a row', isDamaged, '{"x":[[1,2],]}', '`line 2, x[1]`, got nothing');
test.serial('a comma after a number', isDamaged, '{"x":[[1,]]}', '`line 2, x[0][1]`, got nothing');
test.serial('two rows without a comma', isDamaged, '{"x":[[1,2][3,4]]}', '`]` for `line 2, column 12`');
test.serial(
  'the string NaN',
  isDamaged,
  '{"x":[[1,2],[3,4],[5,"NaN"]]}',
  'a number in the range of float32 for `line 2, x[2][1]`, got `"NaN"` (string)',
);
test.serial('the word nan', isDamaged, '{"x":[[1,nan]]}', '`line 2, x[0][1]`, got `"nan"`');
test.serial('the word NaN among ids', isDamaged, '{"tokens":[1,NaN]}', '`line 2, tokens[1]`, got `"NaN"`');
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
