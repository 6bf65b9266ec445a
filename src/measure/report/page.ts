// The report of measured results as one self-contained HTML page: charts, tables and the results themselves.
import type { GridResults } from '../grid/results.js';
import type { ScalingResults } from '../scaling/results.js';
import { formatDocument } from '../../page/document.js';
import { describeGrid } from './grid-page.js';
import { describeScaling } from './scaling-page.js';

/** A complete HTML document that loads nothing, for light and dark themes. */
export function formatPage(results: GridResults | ScalingResults): string {
  return formatDocument(results.benchmark === 'grid' ? describeGrid(results) : describeScaling(results));
}
