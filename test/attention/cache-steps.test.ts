// Random steps on caches and their forks: every cache reads exactly its own tokens, and no page is lost.
import test from 'ava';
import fc from 'fast-check';
import { CacheModel } from '../helpers/cache-model.js';

const steps = fc.array(
  fc.record({
    kind: fc.nat({ max: 7 }),
    which: fc.nat({ max: 7 }),
    a: fc.nat({ max: 9 }),
    b: fc.nat({ max: 9 }),
  }),
  { maxLength: 60, size: 'max' },
);

for (const rolling of [false, true]) {
  const kind = rolling ? 'rolling caches' : 'caches';
  test(`random steps on ${kind} and their forks read every token and lose no page`, (t) => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: rolling ? 14 : 40 }),
        fc.integer({ min: 1, max: 2 }),
        fc.constantFrom(0, 0, 5, 20),
        steps,
        (maxTokens, batch, spare, chosen) => {
          const model = new CacheModel({ maxTokens, batch, rolling }, spare);
          for (const step of chosen) {
            model.step(step);
            model.check();
          }
          model.end();
          if (model.storage.copies > 0) reached.add('copied');
          for (const what of model.reached) reached.add(what);
        },
      ),
      { seed: 8, numRuns: 400 },
    );
    const wanted = ['CACHE_FULL', 'CACHE_IN_USE', 'copied', 'no pages'];
    t.deepEqual([...reached].sort(), [...wanted, ...(rolling ? ['gone', 'rolled', 'short'] : [])].sort());
  });
}
