// Runs of the command over a small layer, and what their outputs must hold.
import type { ExecutionContext } from 'ava';
import { heads, layerFlags, smallWeights } from './batch-run.js';
import { headpool } from './command.js';
import { layerOracle, worstError, type OracleRun } from './layer-oracle.js';
import { makeFolder } from './make-folder.js';
import { readSequences } from './sequence-files.js';

export async function prepare(t: ExecutionContext) {
  const folder = await makeFolder(t);
  const flags = await layerFlags(folder);
  const run = async (...args: string[]) => {
    const result = await headpool('run', ...flags, ...args);
    t.is(result.code, 0, result.stderr);
    return result;
  };
  return { folder, flags, run };
}

/** Holds the lengths and rows of a file against the float64 program; gives what else is in it. */
export async function holdsRows(
  t: ExecutionContext,
  path: string,
  given: Omit<OracleRun, 'weights' | 'heads'>,
  tolerance = 1e-5,
): Promise<Awaited<ReturnType<typeof readSequences>>> {
  const found = await readSequences(path);
  t.deepEqual(found.lengths, given.query.lengths);
  const worst = worstError(found.rows, layerOracle({ weights: smallWeights, heads, ...given }));
  t.true(worst < tolerance, `${path}: off by ${worst}`);
  return found;
}
