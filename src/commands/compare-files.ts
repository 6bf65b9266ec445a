// headpool bench --compare: two files of results held against each other; nothing is measured.
import { expected, invalidFile } from '../errors.js';
import { compareGrids, hasSlowdown } from '../measure/grid/compare.js';
import { readResults } from '../measure/grid/parse-results.js';
import type { GridResults } from '../measure/grid/results.js';
import { formatComparison } from '../report/comparison-table.js';

const somethingIsSlower = 1;

/**
 * Prints the comparison and sets the exit code to 1 if something became slower.
 * @throws FILE_FAILED, INVALID_FILE; INVALID_OPTION if no cell is in both files
 */
export async function compareFiles(before: string, after: string, isJson: boolean): Promise<void> {
  const comparison = compareGrids(await readGrid(before), await readGrid(after));
  if (comparison.cells.length === 0) {
    throw expected('INVALID_OPTION', `a file with cells that ${before} has too`, 'compare', after);
  }
  console.log(isJson ? JSON.stringify(comparison) : formatComparison(comparison));
  if (hasSlowdown(comparison)) process.exitCode = somethingIsSlower;
}

async function readGrid(path: string): Promise<GridResults> {
  const results = await readResults(path);
  if (results.benchmark === 'grid') return results;
  throw invalidFile(path, 'grid, as `headpool bench` writes,', 'benchmark', results.benchmark);
}
