// Seeded weights: the same on every machine, within the bounds of Glorot & Bengio, refused for lengths that make no layer.
import test from 'ava';
import { createXavierWeights, type TensorLike, type XavierOptions } from '../../src/index.js';
import { assertRefused } from '../helpers/assertions.js';

test('the same seed gives the same numbers on every machine', (t) => {
  const { query, output } = createXavierWeights({ modelDim: 6, heads: 2, seed: 42 });
  t.deepEqual(query.weight.data.slice(0, 4), Float32Array.of(0.45837447, 0.52698404, 0.6255248, 0.56743014));
  t.deepEqual(output.weight.data.slice(-3), Float32Array.of(0.64818215, 0.6656825, -0.3209036));
  const byDefault = createXavierWeights({ modelDim: 6, heads: 2 });
  t.deepEqual(byDefault.key.weight.data.slice(0, 3), Float32Array.of(-0.35862756, 0.1455596, 0.16421774));
});

test('another seed gives other numbers', (t) => {
  const [a, b] = [0, 1].map((seed) => createXavierWeights({ modelDim: 8, heads: 2, seed }));
  t.notDeepEqual(a!.query.weight.data, b!.query.weight.data);
});

test('numbers fill ±√(6 / (in + out)) evenly and biases are 0', (t) => {
  const weights = createXavierWeights({ modelDim: 64, heads: 8, kvHeads: 2, headDim: 10, seed: 7 });
  const shapes = { query: [80, 64], key: [20, 64], value: [20, 64], output: [64, 80] } as const;
  for (const name of ['query', 'key', 'value', 'output'] as const) {
    const { weight, bias } = weights[name];
    const [rows, columns] = shapes[name];
    t.deepEqual(weight.shape, [rows, columns], name);
    const bound = Math.sqrt(6 / (rows + columns));
    const { least, most, mean, meanSquare } = momentsOf(weight);
    t.true(least >= -bound && most <= bound, name);
    t.true(least < -0.99 * bound && most > 0.99 * bound, name);
    t.true(Math.abs(mean) < 0.05 * bound, name);
    t.true(Math.abs(meanSquare / (bound ** 2 / 3) - 1) < 0.1, name);
    t.deepEqual(bias!.data, new Float32Array(rows), name);
  }
});

function momentsOf({ data }: TensorLike): Record<'least' | 'most' | 'mean' | 'meanSquare', number> {
  const numbers = [...data];
  const meanOf = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = numbers.map((value) => value ** 2);
  return {
    least: Math.min(...numbers),
    most: Math.max(...numbers),
    mean: meanOf(numbers),
    meanSquare: meanOf(squares),
  };
}

const refuses = test.macro(async (t, options: object, ...words: string[]) => {
  const given = { modelDim: 8, heads: 2, ...options } as XavierOptions;
  await assertRefused(t, () => createXavierWeights(given), { code: 'INVALID_OPTION', what: words });
});

for (const name of ['modelDim', 'heads', 'kvHeads', 'headDim']) {
  for (const value of [0, -1, 1.5, NaN, '8', null]) {
    test(
      `${name} of ${typeof value === 'string' ? `"${value}"` : String(value)} is refused`,
      refuses,
      { [name]: value },
      `\`${name}\``,
    );
  }
}
test('heads that do not divide modelDim are refused', refuses, { heads: 3 }, '`heads`', 'modelDim (8)');
test('a negative seed is refused', refuses, { seed: -1 }, '`seed`', '-1');
test('a seed of more than 32 bits is refused', refuses, { seed: 2 ** 32 }, '`seed`');
test('a fractional seed is refused', refuses, { seed: 0.5 }, '`seed`');
test('no modelDim is refused', refuses, { modelDim: undefined }, '`modelDim`', 'nothing');
