// The report of measured results as one self-contained HTML page: charts, tables and the results themselves.
import type { GridResults } from '../grid/results.js';
import type { ScalingResults } from '../scaling/results.js';
import { formatDocument } from './page/document.js';
import { gridParts } from './page/grid-parts.js';
import { scalingParts } from './page/scaling-parts.js';

/** A complete HTML document that loads nothing, for light and dark themes. */
export function formatPage(results: GridResults | ScalingResults): string {
  return formatDocument(results, results.benchmark === 'grid' ? gridParts(results) : scalingParts(results));
}
