// headpool bench --compare: files of results held against each other in pairs; nothing is measured.
import { expected, invalidFile } from '../core/errors.js';
import { comparePairs, hasSlowdown, type GridPair } from '../measure/grid/compare.js';
import type { GridResults } from '../measure/grid/results.js';
import { formatComparison } from '../measure/report/comparison-table.js';
import { readResults } from '../measure/stored-results.js';

const somethingIsSlower = 1;

/**
 * Prints the comparison and sets the exit code to 1 if something became slower.
 * @param paths pairs of files, before and after
 * @throws FILE_FAILED, INVALID_FILE; INVALID_OPTION if no cell is in all files
 */
export async function compareFiles(paths: readonly string[], isJson: boolean): Promise<void> {
  const grids: GridResults[] = [];
  for (const path of paths) grids.push(await readGrid(path));
  const pairs = grids.flatMap((a, index) => (index % 2 === 0 ? [{ a, b: grids[index + 1]! }] : []));
  const comparison = comparePairs(pairs as [GridPair, ...GridPair[]]);
  if (comparison.cells.length === 0) {
    throw expected('INVALID_OPTION', `a file with cells that ${paths[0]!} has too`, 'compare', paths[1]);
  }
  console.log(isJson ? JSON.stringify(comparison) : formatComparison(comparison));
  if (hasSlowdown(comparison)) process.exitCode = somethingIsSlower;
}

async function readGrid(path: string): Promise<GridResults> {
  const results = await readResults(path);
  if (results.benchmark === 'grid') return results;
  throw invalidFile(path, 'grid, as `headpool bench` writes,', 'benchmark', results.benchmark);
}
