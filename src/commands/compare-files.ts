// headpool bench --compare: files of results held against each other in pairs; nothing is measured.
import type { Settings } from '../config/schemas.js';
import { expected, invalidFile } from '../core/errors.js';
import { comparePairs, hasSlowdown, isUndecided, type GridPair } from '../measure/grid/compare.js';
import { untitled, type GridResults } from '../measure/grid/results.js';
import { formatComparison, formatComparisonCsv } from '../measure/report/comparison-table.js';
import { readResults } from '../measure/stored-results.js';
import { prepareMeasured, writeMeasured } from './measured-outputs.js';
import type { comparisonOutput } from './outputs/bench-output.js';
import type { Output } from './outputs/output.js';
import { print, printJson } from './terminal.js';

const exitCodes = { slower: 1, undecided: 4 } as const;

export interface CompareOptions {
  /** Pairs of files, before and after. */
  readonly paths: readonly string[];
  /** Where files go, and what they are called. */
  readonly settings: Settings<'bench'>;
  readonly isJson: boolean;
}

/**
 * Prints the comparison and writes it to the files that are asked for. Sets the exit code to 1 if something became slower,
 * to 4 if no cell has a verdict.
 * @throws FILE_FAILED, INVALID_FILE; INVALID_OPTION if no cell is in all files
 */
export async function compareFiles({ paths, settings, isJson }: CompareOptions): Promise<void> {
  await prepareMeasured(settings, paths);
  const grids: GridResults[] = [];
  for (const path of paths) grids.push(await readGrid(path));
  const pairs = grids.flatMap((a, index) => (index % 2 === 0 ? [{ a, b: grids[index + 1]! }] : []));
  const compared = comparePairs(pairs as [GridPair, ...GridPair[]]);
  const comparison = settings.title === untitled ? compared : { ...compared, title: settings.title };
  if (comparison.cells.length === 0) {
    throw expected('INVALID_OPTION', `a file with cells that ${paths[0]!} has too`, 'compare', paths[1]);
  }
  const output: Output<typeof comparisonOutput> = { format: 1, ...comparison };
  if (isJson) printJson(output);
  else print(formatComparison(comparison));
  await writeMeasured(output, settings, formatComparisonCsv);
  if (hasSlowdown(comparison)) process.exitCode = exitCodes.slower;
  else if (isUndecided(comparison)) process.exitCode = exitCodes.undecided;
}

async function readGrid(path: string): Promise<GridResults> {
  const results = await readResults(path);
  if (results.benchmark === 'grid') return results;
  throw invalidFile(path, 'grid, as `headpool bench` writes,', 'benchmark', results.benchmark);
}
