import test from 'ava';
import { Breather } from '../../src/core/breather.js';
import { finish, findIndex, repeat, sort, type Steps } from '../../src/core/steps.js';
import { createRandom } from '../../src/core/tensor/random.js';

test('Many short pieces of work give others their turns as one long piece does', async (t) => {
  const breather = new Breather();
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  const work = function* (): Steps<number> {
    return 1;
  };
  const start = performance.now();
  while (turns < 3 && performance.now() - start < 5000) await breather.run(work());
  clearImmediate(next);
  t.is(turns, 3);
});

test('Lists of all lengths around those of a step are sorted, and equal ones stay in their order', (t) => {
  const random = createRandom(1);
  for (const length of [0, 1, 2, 2047, 2048, 2049, 4097, 10_000]) {
    const list = Array.from({ length }, (_, index) => ({ key: Math.floor(random.uniform() * 100), index }));
    const compare = (a: { key: number }, b: { key: number }): number => a.key - b.key;
    t.deepEqual(finish(sort(list, compare)), list.toSorted(compare));
  }
});

test('An element is found where it is, and a number as often as asked for', (t) => {
  t.is(finish(findIndex([3, 4, 5], (element) => element > 3)), 1);
  t.is(finish(findIndex(new Float64Array(100_000), (element) => element > 3)), -1);
  t.deepEqual(finish(repeat(7, 40_000)), new Array<number>(40_000).fill(7));
});
