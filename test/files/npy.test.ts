import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { HeadpoolError } from '../../src/core/errors.js';
import { formatNpyHeader, parseNpyHeader } from '../../src/files/npy.js';
import { bytesPerStored, storageTypes } from '../../src/files/storage.js';
import { numpyFloats, numpyOthers } from './numpy-fixtures.js';
import { npyFile } from './scratch.js';
import { assertRefused } from '../helpers/assertions.js';
import { soon } from '../helpers/cpu-time.js';

const parse = (bytes: Uint8Array, fileSize = bytes.length) => parseNpyHeader(bytes, 'a.npy', fileSize);

function header(changes: { descr?: string; order?: string; shape?: string } = {}): string {
  const { descr = "'<f4'", order = 'False', shape = '(2, 3)' } = changes;
  return `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
}

const refuses = test.macro({
  title: (title) => `A .npy header is refused: ${title ?? ''}`,
  exec: async (t: ExecutionContext, bytes: Uint8Array, field: string) => {
    await assertRefused(t, () => soon(t, () => parse(bytes)), {
      code: 'INVALID_FILE',
      path: 'a.npy: ',
      what: field,
    });
  },
});

test('empty file', refuses, Buffer.alloc(0), '`magic`');
test('wrong magic', refuses, Buffer.from('PK\x03\x04 and more'), '`magic`');
test('nothing after the magic', refuses, npyFile('').subarray(0, 6), '`version`');
test('version 4', refuses, npyFile(header(), 24, [4, 0]), '`version`, got `"4.0"`');
test('version 1.1', refuses, npyFile(header(), 24, [1, 1]), '`version`');
test('length cut off', refuses, npyFile('').subarray(0, 9), '`header`');
test('header longer than the file', refuses, npyFile(header()).subarray(0, 40), '`header`');
test(
  'over 10,000 characters',
  refuses,
  npyFile(header().padEnd(10_001), 24, [2, 0]),
  '`header`, got `10001`',
);
test('a length of 4 GiB', refuses, npyFile('', 0, [2, 0]).fill(255, 8), '`header`, got `4294967295`');
test('no dictionary', refuses, npyFile('[1, 2]'), '`header`');
test('no closing brace', refuses, npyFile("{'descr': '<f4'"), '`header`');
test('text after the dictionary', refuses, npyFile(`${header()} + 1`, 24), '`header`');
test('an expression for a value', refuses, npyFile(header({ shape: '(2, 1+2)' }), 24), '`shape`');
test('an unknown key', refuses, npyFile("{'descr': '<f4', 'x': True}"), '`header`, got `"x"`');
test(
  'a key twice',
  refuses,
  npyFile("{'descr': '<f4', 'descr': '<f4'}"),
  'expected `descr` once, got it twice',
);
test('no descr', refuses, npyFile("{'fortran_order': False, 'shape': ()}"), '`descr`, got nothing');
test('object type', refuses, npyFile(header({ descr: "'|O'" }), 24), '`descr`, got `"|O"`');
test('structured type', refuses, npyFile(header({ descr: "[('a', '<f4')]" }), 24), '`descr`');
test('unknown type', refuses, npyFile(header({ descr: "'<f16'" }), 24), '`descr`, got `"<f16"`');
test('type named like a property', refuses, npyFile(header({ descr: "'constructor'" }), 24), '`descr`');
test('no order for wide numbers', refuses, npyFile(header({ descr: "'|f4'" }), 24), '`descr`');
test('fortran_order of 0', refuses, npyFile(header({ order: '0' }), 24), '`fortran_order`');
test('shape as a list', refuses, npyFile(header({ shape: '[2, 3]' }), 24), '`shape`');
test('shape as a number', refuses, npyFile(header({ shape: '(6)' }), 24), '`shape`');
test('length -1', refuses, npyFile(header({ shape: '(-1, 3)' }), 24), '`shape`, got `[-1,3]`');
test('length 2.0', refuses, npyFile(header({ shape: '(2.0, 3)' }), 24), '`shape`');
test('length 1e300', refuses, npyFile(header({ shape: `(1${'0'.repeat(300)},)` }), 24), '`shape`');
test('product over 2^53', refuses, npyFile(header({ shape: '(134217728, 134217728)' }), 24), '`shape`');
test(
  'product just below 2^53, bytes above',
  refuses,
  npyFile(header({ shape: '(9007199254740991,)' })),
  '`data`',
);
test('one byte short', refuses, npyFile(header(), 23), '`data`, got `23`');
test('one byte more', refuses, npyFile(header(), 25), '`data`, got `25`');
test('9,000 nested parentheses', refuses, npyFile(header({ shape: '('.repeat(9000) }), 24), '`shape`');
test('100,000 nested parentheses', refuses, npyFile('('.repeat(100_000), 24, [2, 0]), '`header`');

for (const [title, base64] of numpyOthers) {
  test(`${title}, written by NumPy`, refuses, Buffer.from(base64, 'base64'), '`descr`');
}

test('What NumPy wrote is understood in every layout', (t) => {
  for (const [title, shape, base64] of numpyFloats) {
    const parsed = parse(Buffer.from(base64, 'base64'));
    t.deepEqual(parsed.shape, shape, title);
    t.is(parsed.isBigEndian, title.startsWith('big-endian'), title);
    t.is(parsed.isFortranOrder, title.startsWith('Fortran'), title);
    t.is(parsed.dataOffset, 128, title);
  }
});

test('The header NumPy writes for little-endian float32 is ours to the byte but for its padding', (t) => {
  const theirs = Buffer.from(numpyFloats[0]![2], 'base64').toString('latin1', 10, 128).trimEnd();
  t.is(
    Buffer.from(formatNpyHeader('F32', [2, 3]))
      .toString('latin1', 10)
      .trimEnd(),
    theirs,
  );
});

test('Keys may stand in any order, with double quotes and without a last comma', (t) => {
  const bytes = npyFile('{"shape":(3,),"fortran_order":True,"descr":">i8"}', 24);
  t.like(parse(bytes), { dtype: 'I64', shape: [3], isFortranOrder: true, isBigEndian: true });
});

test('Every header we write is read back, with data at a multiple of 64', (t) => {
  const types = fc.constantFrom(...storageTypes.filter((type) => type !== 'BF16'));
  const shapes = fc.array(fc.nat(30), { maxLength: 12 });
  fc.assert(
    fc.property(types, shapes, (dtype, shape) => {
      const bytes = formatNpyHeader(dtype, shape);
      const fileSize = bytes.length + shape.reduce((count, length) => count * length, bytesPerStored(dtype));
      t.like(parse(bytes, fileSize), { dtype, shape, isBigEndian: false, isFortranOrder: false });
      t.is(bytes.length % 64, 0);
    }),
    { seed: 1, numRuns: 200 },
  );
});

test('A damaged header is read or refused, and nothing else', (t) => {
  const valid = npyFile(header(), 24);
  const outcomes = { read: 0, refused: 0 };
  const edit = fc.record({ at: fc.nat(valid.length - 1), byte: fc.nat(255), removed: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), (edits) => {
      let bytes: Uint8Array = valid;
      for (const { at, byte, removed } of edits) {
        bytes = Buffer.concat([bytes.subarray(0, at), Uint8Array.of(byte), bytes.subarray(at + removed)]);
      }
      try {
        parse(bytes);
        outcomes.read++;
      } catch (error) {
        if (!(error instanceof HeadpoolError)) throw error;
        outcomes.refused++;
      }
    }),
    { seed: 2, numRuns: 3000, interruptAfterTimeLimit: 10_000, markInterruptAsFailure: true },
  );
  t.true(outcomes.read > 10 && outcomes.refused > 100, JSON.stringify(outcomes));
});
