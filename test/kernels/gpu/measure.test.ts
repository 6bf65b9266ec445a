// The shaders that measure a device: what they compute shows that they do their work; and what the text of a product says
// of its costs.
import test from 'ava';
import { foldGroups } from '../../../workers/kernels/gpu/groups.js';
import {
  flopPerRound,
  measureThreads,
  multiplyAddShader,
  multiplyAddUniform,
  readShader,
  readUniform,
} from '../../../workers/kernels/gpu/measure.js';
import { runShader } from '../../helpers/shader-bench.js';
import { gpuTest } from '../../helpers/software-gpu.js';

gpuTest('every thread does all its multiply-adds', async (t) => {
  const rounds = 3;
  const [ends] = await runShader(
    multiplyAddShader(),
    multiplyAddUniform(rounds),
    [new Float32Array(2 * measureThreads)],
    foldGroups(2),
  );
  const steps = rounds * (multiplyAddShader().code.match(/x0 = fma/g) ?? []).length;
  const shrunk = 0.999 ** steps;
  ends.forEach((end, n) => {
    // The mean of the starts of 8 chains of 4.
    const start = 0.375 + 0.1 * ((n % measureThreads) + 3.5);
    const wanted = 1 + (start - 1) * shrunk;
    t.true(Math.abs(end - wanted) < 1e-5 * wanted, `${end} instead of ${wanted}`);
  });
});

test('the text has the multiply-adds that are counted', (t) => {
  const count = (multiplyAddShader().code.match(/= fma\(/g) ?? []).length;
  t.is(flopPerRound, 8 * count);
});

gpuTest('every number is read once', async (t) => {
  const numbers = Float32Array.from({ length: 4 * 1000 }, (_, n) => n % 17);
  const groups = 3;
  const [, sums] = await runShader(
    readShader(),
    readUniform(numbers.length),
    [numbers, new Float32Array(groups)],
    foldGroups(groups),
  );
  t.is(
    sums[0]! + sums[1]! + sums[2]!,
    numbers.reduce((sum, number) => sum + number, 0),
  );
  t.true(sums.every((sum) => sum > 0));
});
