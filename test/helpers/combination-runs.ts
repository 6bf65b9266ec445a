// Random combinations on every kernel: the one body of the tests that run some and of those that run many.
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { Engine } from '../../src/index.js';
import { anyCombination, type Combination } from './any-combination.js';
import { checkCombination, CombinationPools } from './combination-checks.js';
import { checkLayerCombination } from './layer-combinations.js';
import { PrecisionPool } from './tolerance.js';

interface Runs {
  readonly seed: number;
  readonly count: number;
}

/** Holds `count` combinations against the oracle, and all of them against the promise of precision. */
export async function runCombinations(t: ExecutionContext, engine: Engine, runs: Runs): Promise<void> {
  const pools = new CombinationPools();
  await runAll(runs, (combination) => checkCombination(engine, combination, pools));
  t.is(pools.findProblem(), undefined);
}

/** The same of layers. */
export async function runLayerCombinations(t: ExecutionContext, engine: Engine, runs: Runs): Promise<void> {
  const pool = new PrecisionPool();
  await runAll(runs, (combination) => checkLayerCombination(engine, combination, pool));
  t.is(pool.findProblem(), undefined);
}

type Check = (combination: Combination) => Promise<void>;

/** Calls that are open at once: an engine takes the next while workers still compute. */
const atOnce = 8;

/** @throws where a check does, with the smallest combination that still fails */
async function runAll({ seed, count }: Runs, check: Check): Promise<void> {
  // One iterator for all walkers: each takes the next combination.
  const drawn = fc.sample(anyCombination, { seed, numRuns: count }).values();
  const walk = async (): Promise<void> => {
    for (const combination of drawn) await check(combination);
  };
  const walks = await Promise.allSettled(Array.from({ length: atOnce }, walk));
  if (walks.some(({ status }) => status === 'rejected')) await checkOneByOne({ seed, count }, check);
}

async function checkOneByOne({ seed, count }: Runs, check: Check): Promise<void> {
  const property = fc.asyncProperty(anyCombination, check);
  await fc.assert(property, { seed, numRuns: count, includeErrorInReport: true });
  throw new Error('A combination failed beside others, and none does alone');
}
