import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { HeadpoolError } from '../../src/core/errors.js';
import { readStrictObject, type JsonValue } from '../../src/files/strict-json.js';
import { assertRefused } from '../helpers/assertions.js';

const parse = (text: string): JsonValue => new Map(readStrictObject(text, 'a.json'));

function toPlain(value: JsonValue): unknown {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(toPlain);
  if (!(value instanceof Map)) return value;
  const entries = [...(value as ReadonlyMap<string, JsonValue>)];
  return Object.fromEntries(entries.map(([key, entry]) => [key, toPlain(entry)]));
}

const refuses = test.macro({
  title: (title) => `Strict JSON refuses ${title ?? ''}`,
  exec: (t: ExecutionContext, text: string, what: string) =>
    assertRefused(t, () => parse(text), { code: 'INVALID_FILE', path: 'a.json: ', what }),
});

test('nothing', refuses, '', '`header`');
test('duplicate keys', refuses, '{"a":{"b":1,"b":1}}', 'expected `a.b` once, got it twice');
test('duplicate keys that escapes hide', refuses, '{"a":1,"\\u0061":1}', 'expected `a` once, got it twice');
test('a fraction', refuses, '{"a":[1.5]}', '`a`');
test('a fraction that is whole', refuses, '{"a":1.0}', '`a`');
test('an exponent', refuses, '{"a":1e2}', '`a`');
test('2^53', refuses, '{"a":9007199254740992}', '`a`');
test('infinity by exponent', refuses, '{"a":1e400}', '`a`');
test('a million digits', refuses, `{"a":${'9'.repeat(1_000_000)}}`, '`a`');
test('a leading zero', refuses, '{"a":01}', '`a`');
test('a minus alone', refuses, '{"a":-}', '`a`');
test('a trailing comma', refuses, '{"a":1,}', '`header`');
test('a trailing comma in a list', refuses, '{"a":[1,]}', '`a`');
test('a missing colon', refuses, '{"a" 1}', '`a`');
test('an open string', refuses, '{"a', '`header`');
test('a raw newline in a string', refuses, '{"a\n":1}', '`header`');
test('an unknown escape', refuses, '{"a":"\\x"}', '`a`');
test('half a surrogate pair', refuses, '{"a":"\\ud800"}', '`a`');
test('text after the value', refuses, '{} {}', '`header`');
test('a list in place of an object', refuses, '[{}]', 'expected an object for `header`');
test('a no-break space', refuses, '{\u00a0}', '`header`');
test('NaN', refuses, '{"a":NaN}', '`a`');
test('100,000 nested lists', refuses, `{"a":${'['.repeat(100_000)}`, '`a`');
test('100,000 nested objects', refuses, '{"a":'.repeat(100_000), '8 levels');

test('Strict JSON names a hostile key by its quoted beginning', (t) => {
  const error = t.throws(() => parse(`{"${'\\n'.repeat(100_000)}":1.5}`), { instanceOf: HeadpoolError });
  t.true(error.message.length < 500);
  t.false(error.message.includes('\n'));
});

test('Strict JSON reads what JSON.parse reads where it accepts at all', (t) => {
  const text = fc.string({ unit: fc.constantFrom(...'{}[]",:\\ue1.-0 \ttrufalsn'.split('')) });
  fc.assert(
    fc.property(fc.oneof(text, fc.json({ maxDepth: 4 })), (json) => {
      let value: JsonValue;
      try {
        value = parse(json);
      } catch (error) {
        if (!(error instanceof HeadpoolError)) throw error;
        return;
      }
      t.deepEqual(toPlain(value), JSON.parse(json));
    }),
    { seed: 3, numRuns: 3000 },
  );
});

test('Strict JSON accepts every object of its subset, with blanks between', (t) => {
  const { member } = fc.letrec((tie) => ({
    member: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: 'binary' }),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('member')),
      fc.dictionary(fc.string(), tie('member'), { noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(member, fc.constantFrom('', ' ', '\n', '\t'), (wanted, indent) => {
      const text = JSON.stringify({ wanted }, undefined, indent);
      t.deepEqual(toPlain(parse(text)), JSON.parse(text));
    }),
    { seed: 4, numRuns: 500 },
  );
});
