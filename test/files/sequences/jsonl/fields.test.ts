// Lines of JSON of other programs: rows under any name, alone, or as one vector; other fields passed over or kept.
import test, { type ExecutionContext } from 'ava';
import type { FieldChoice, StreamSource } from '../../../../src/files/sequences/sequences.js';
import { assertRefused } from '../../../helpers/assertions.js';
import { embedding, open, readAll } from '../../../helpers/jsonl-streams.js';

const reads = test.macro(
  async (t: ExecutionContext, line: string, rows: readonly number[], options: Partial<StreamSource> = {}) => {
    const found = await readAll(await open(`${line}\n`, options));
    t.deepEqual(
      found.map(({ error, rows }) => error?.message ?? rows),
      [rows],
    );
  },
);

const named = (field: string) => ({ fields: { field } });
test('Rows of another name', reads, '{"id":1,"embedding":[[1,2],[3,4]]}', [1, 2, 3, 4], named('embedding'));
test('A vector is one token', reads, '{"vector":[1,2]}', [1, 2], named('vector'));
test('A vector as x is one token, as pooled rows are written', reads, '{"x":[1,2]}', [1, 2]);
test('Bare rows', reads, ' [[1,2],[3,4]] ', [1, 2, 3, 4]);
test('Bare rows of no token', reads, '[]', []);
test('A bare vector', reads, '[1, 2]', [1, 2]);
test('Words that JSON doesn’t have', reads, '{"x":[[NaN, -Infinity],[Infinity,0]]}', [
  NaN,
  -Infinity,
  Infinity,
  0,
]);
test('Ids beside a field that is called x', reads, '{"x":"y","tokens":[2]}', [2, 20], {
  embedding,
  fields: { field: 'rows' },
});
const nested = '{"a":[{"b":[1,2.5e-3,{}],"c":"]}\\"","d":null},true,[],-0],"n":NaN}';
test(
  'Other fields of any depth are passed over',
  reads,
  `{"before":${nested},"x":[[1,2]],"after":"é\\u0000"}`,
  [1, 2],
);
test('A field of a million levels', reads, `{"a":${'['.repeat(1e5)}${']'.repeat(1e5)},"x":[[1,2]]}`, [1, 2]);

async function fieldsOf(text: string, fields: FieldChoice) {
  const stream = await open(text, { fields });
  const span = await stream.next(100);
  await stream.close();
  if (span === undefined) return undefined;
  if ('error' in span) throw span.error;
  return span.fields;
}

test('Fields are kept as they stand, where that is asked for', async (t) => {
  const text = `{"id":1,"a": [1, {"b":"é"}] ,"v":[1,2],"\\u0063":1.0}\n{"v":[[1,2]]}\n`;
  t.deepEqual(await fieldsOf(text, { field: 'v', isKeepingOthers: true }), [
    '"a":[1, {"b":"é"}],"c":1.0',
    '',
  ]);
  t.is(await fieldsOf(text, { field: 'v' }), undefined);
});

test('A field that is called as the rows that are written can’t be kept', async (t) => {
  const fields = { field: 'v', isKeepingOthers: true };
  await assertRefused(t, () => fieldsOf('{"v":[[1,2]],"x":3}\n', fields), {
    code: 'INVALID_FILE',
    what: 'rows are written as `x`, for `line 1, x`',
  });
});
