// The report of measured results as one self-contained HTML page: charts, tables and the results themselves.
import type { Comparison } from '../grid/compare.js';
import type { GridResults } from '../grid/results.js';
import type { ScalingResults } from '../scaling/results.js';
import { formatDocument, type PageParts } from '../../page/document.js';
import { describeComparison } from './comparison-page.js';
import { describeGrid } from './grid-page.js';
import { describeScaling } from './scaling-page.js';

/** A complete HTML document that loads nothing, for light and dark themes. */
export function formatPage(results: GridResults | ScalingResults | Comparison): string {
  return formatDocument(describe(results));
}

function describe(results: GridResults | ScalingResults | Comparison): PageParts {
  switch (results.benchmark) {
    case 'grid':
      return describeGrid(results);
    case 'scaling':
      return describeScaling(results);
    case 'comparison':
      return describeComparison(results);
    default:
      return results satisfies never;
  }
}
