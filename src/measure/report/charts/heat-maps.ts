// Heads against tokens: a map for each mode, kernel, number of threads and options, where two of either were measured.
import type { Cell, MeasuredCell } from '../../grid/results.js';
import { nameOf, type Chart } from '../../../page/charts/chart.js';
import { drawHeatMap } from '../../../page/charts/heat-map.js';
import { formatTokens } from '../../../page/figures.js';
import { describeCommon, groupBy, modeTitles, tokensTitle, tooltipOf } from './series.js';

/** All maps that the cells make. */
export function drawHeatMaps(cells: readonly Cell[]): Chart[] {
  return groupBy(cells, keyOf).flatMap(splitBySize).filter(isMap).map(drawMap);
}

function keyOf({
  case: { mode, kernel, threads, heads, kvHeads, batch, causal, window, dtype, options },
}: Cell) {
  return [mode, kernel, threads, heads / kvHeads, batch, causal, window, dtype, options].join('|');
}

/** Heads and tokens are one place: where several sizes would share it, each gets a map, and as few of them as can be. */
function splitBySize(cells: readonly Cell[]): (readonly Cell[])[] {
  const places = new Set(cells.map(({ case: { heads, tokens } }) => `${heads}/${tokens}`));
  if (places.size === cells.length) return [cells];
  const byModel = groupBy(cells, (cell) => cell.case.modelDim);
  const byHead = groupBy(cells, (cell) => cell.case.headDim);
  return byModel.length <= byHead.length ? byModel : byHead;
}

function isMap(cells: readonly Cell[]): boolean {
  const measured = cells.filter(hasFigures).map((cell) => cell.case);
  return [measured.map(({ heads }) => heads), measured.map(({ tokens }) => tokens)].every(
    (sizes) => new Set(sizes).size >= 2,
  );
}

// JSON knows no infinity: a figure that isn't finite comes back as null.
function hasFigures(cell: Cell): cell is MeasuredCell {
  return cell.status === 'measured' && [cell.gflopPerSecond, cell.ms.median].every(Number.isFinite);
}

function reasonOf(cell: Cell): string {
  return cell.status === 'unavailable' ? cell.reason : 'no figure';
}

function drawMap(cells: readonly Cell[]): Chart {
  const { mode, kernel, threads } = cells[0]!.case;
  // What is bound by memory is told in bytes, everything else in operations.
  const inBytes = cells.filter(hasFigures).every(({ gigabytesPerSecond }) => gigabytesPerSecond !== null);
  const unit = inBytes ? 'GB/s' : 'GFLOP/s';
  const common = describeCommon(cells.map((cell) => cell.case));
  return drawHeatMap({
    about: {
      name: nameOf('heat', mode, kernel, `x${threads}`),
      title: `${modeTitles[mode]}: ${unit} by heads and tokens, ${kernel} x${threads}`,
      heading: `${modeTitles[mode]}: ${unit}`,
      caption: common,
      description: `${unit} of ${common}; rows are heads, columns are ${tokensTitle(mode)}.`,
    },
    rows: { title: 'heads' },
    columns: { title: tokensTitle(mode), format: formatTokens },
    cells: cells.map((cell) => ({
      row: cell.case.heads,
      column: cell.case.tokens,
      ...(hasFigures(cell)
        ? {
            value: inBytes ? cell.gigabytesPerSecond : cell.gflopPerSecond,
            tooltip: tooltipOf(cell),
            isUnsure: cell.isNoisy,
          }
        : { value: null, tooltip: reasonOf(cell) }),
    })),
    unit,
    unsure: 'noisy',
  });
}
