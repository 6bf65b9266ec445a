// The slopes of ALiBi against those that its authors publish.
import test from 'ava';
import { alibiSlopes, HeadpoolError } from '../../src/index.js';

const ofEight = [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256];

test('a power of two halves or roots its way to 2^-8', (t) => {
  t.deepEqual(alibiSlopes(8), ofEight);
  t.deepEqual(alibiSlopes(1), [1 / 256]);
  t.deepEqual(alibiSlopes(4), [1 / 4, 1 / 16, 1 / 64, 1 / 256]);
  const ofSixteen = alibiSlopes(16);
  t.deepEqual(
    ofSixteen.filter((_, h) => h % 2 === 1),
    ofEight,
  );
  for (const [h, slope] of ofSixteen.entries()) t.true(Math.abs(slope - Math.SQRT1_2 ** (h + 1)) < 1e-15);
});

test('twelve heads are those of eight and every other one of sixteen', (t) => {
  const slopes = alibiSlopes(12);
  t.is(slopes.length, 12);
  t.deepEqual(slopes.slice(0, 8), ofEight);
  // As get_slopes(12) of the authors' program prints them; it multiplies where this takes powers.
  const others = [0.7071067811865476, 0.35355339059327384, 0.17677669529663692, 0.08838834764831849];
  for (const [n, wanted] of others.entries()) t.true(Math.abs(slopes[8 + n]! - wanted) < 1e-15);
});

test('any number of heads has as many slopes, all of them different', (t) => {
  for (let heads = 1; heads <= 130; heads++) {
    const slopes = alibiSlopes(heads);
    t.is(new Set(slopes).size, heads);
    t.true(slopes.every((slope) => slope >= 2 ** -8 && slope < 1));
  }
});

test('what is no number of heads is refused', (t) => {
  for (const heads of [0, -1, 1.5, NaN, Infinity, 2 ** 40, '8' as unknown as number]) {
    const error = t.throws(() => alibiSlopes(heads), { instanceOf: HeadpoolError });
    t.is(error.code, 'INVALID_OPTION');
    t.regex(error.message, /an integer from 1 to 65536 for `heads`, got/);
  }
});
