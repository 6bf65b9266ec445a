// Products whose operands are larger than a binding of the device: blocks of rows, of all segments where these lie side
// by side in a row, else of one segment after the other.
import { packedLength } from '../../../../src/core/protocol/layout.js';
import type { Dispatch } from '../dispatch.js';
import { panelColumns, panelsOf } from '../panels.js';
import { blocksOf, largest, type BindingLimit, type Window } from './binding-limit.js';
import { productDispatch, type ProductPart } from './product-dispatch.js';

/** Columns of an output that lie side by side in its rows. */
interface Strip {
  /** With the strip as its only segment, or with all segments. */
  readonly part: ProductPart;
  /** Columns from the first to the last. */
  readonly width: number;
  readonly firstPanelElement: number;
  readonly firstOutputElement: number;
}

/** @throws MEMORY_LIMIT where a binding doesn't hold a row, or 4 columns of the weights */
export function cutProduct(part: ProductPart, limit: BindingLimit): Dispatch[] {
  const { columns, segmentColumns, region } = part.output.panels;
  const { segmentStride, rowStride } = part.output;
  const last = Math.ceil(columns / segmentColumns) - 1;
  const together: Strip = {
    part,
    width: last * segmentStride + columns - last * segmentColumns,
    firstPanelElement: 0,
    firstOutputElement: 0,
  };
  const areTogether = segmentStride <= rowStride && limit.holds(region) && rowsThatFit(together, limit) > 0;
  const strips = areTogether ? [together] : part.living.flatMap((segment) => stripsOf(part, segment, limit));
  return strips.flatMap((strip) => dispatchesOf(strip, limit));
}

/** A segment, in runs of its panels where a binding doesn't hold them all. */
function stripsOf(part: ProductPart, segment: number, limit: BindingLimit): Strip[] {
  const { output, depth } = part;
  const { panels, segmentStride } = output;
  const { region, segmentColumns } = panels;
  const panelLength = packedLength(panelColumns, depth, panelColumns);
  const columns = Math.min(segmentColumns, panels.columns - segment * segmentColumns);
  const count = panelsOf({ columns, segmentColumns: columns });
  const most = largest(count, (run) => limit.holdsStretch(region, run * panelLength));
  if (most === 0) throw limit.refusal('weights', 4 * panelLength);
  return blocksOf(count, most).map(([first, end]) => {
    const width = Math.min(end * panelColumns, columns) - first * panelColumns;
    const own = { ...output, panels: { region, columns: width, segmentColumns: width } };
    return {
      part: { ...part, output: own, living: [0] },
      width,
      firstPanelElement: segment * packedLength(segmentColumns, depth, panelColumns) + first * panelLength,
      firstOutputElement: segment * segmentStride + first * panelColumns,
    };
  });
}

function rowsThatFit({ part, width }: Strip, limit: BindingLimit): number {
  const { rows, depth, firstRow, endRow, output } = part;
  return largest(
    endRow - firstRow,
    (count) =>
      limit.holdsStretch(rows, count * depth) &&
      limit.holdsStretch(output.region, (count - 1) * output.rowStride + width),
  );
}

function dispatchesOf(strip: Strip, limit: BindingLimit): Dispatch[] {
  const { part, width, firstPanelElement, firstOutputElement } = strip;
  const { rows, depth, endRow, output } = part;
  const { region, columns } = output.panels;
  const most = rowsThatFit(strip, limit);
  if (most === 0) throw limit.refusal('a row of a product', 4 * Math.max(depth, width));
  const panelsLength = panelsOf({ columns, segmentColumns: output.panels.segmentColumns });
  const panels = limit.windowOf({
    of: region,
    first: firstPanelElement,
    end: firstPanelElement + panelsLength * packedLength(panelColumns, depth, panelColumns),
  });
  return blocksOf(endRow, wholeTiles(most)).map(([first, end]) => {
    const start = firstOutputElement + first * output.rowStride;
    const length = (end - first - 1) * output.rowStride + width;
    const written = limit.windowOf({ of: output.region, first: start, end: start + length });
    return productDispatch(
      { ...part, firstRow: first, endRow: end },
      {
        rows: limit.windowOf({ of: rows, first: first * depth, end: end * depth }),
        panels: from(panels, firstPanelElement),
        output: from(written, firstOutputElement),
      },
    );
  });
}

/** Counted from an element that the shader takes for the first one. */
function from({ bound, start }: Window, first: number): Window {
  return { bound, start: start - first };
}

// Of the larger tile that the shader has.
const tileRows = 64;

function wholeTiles(rows: number): number {
  return rows < tileRows ? rows : rows - (rows % tileRows);
}
