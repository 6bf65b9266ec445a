// Collects the results of one test, so that the precision promise is held over all of them when the test ends.
import type { ExecutionContext } from 'ava';
import { findDeviation, PrecisionPool, type Measured } from './tolerance.js';

const poolsOfTests = new WeakMap<ExecutionContext, Map<string, PrecisionPool>>();

/** Holds one result against the oracle by itself, and keeps it for the promise at the end of the test. */
export function addResult(t: ExecutionContext, name: string, measured: Measured, label: string): void {
  t.is(findDeviation(measured.actual, measured.oracle), undefined, `${name} of ${label}`);
  const pools = poolsOfTests.get(t) ?? new Map<string, PrecisionPool>();
  poolsOfTests.set(t, pools);
  const pool = pools.get(name) ?? new PrecisionPool();
  pools.set(name, pool);
  pool.add(measured, label);
}

/** Holds what a test has added against the promise. */
export function assertPools(t: ExecutionContext): void {
  for (const [name, pool] of poolsOfTests.get(t) ?? []) t.is(pool.findProblem(), undefined, name);
}
