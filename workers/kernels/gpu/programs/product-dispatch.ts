// A dispatch of a product: all of an output, or a part of it whose operands are bound in part.
import type { ProductOutput } from '../../../../src/core/protocol/layer-work.js';
import type { Region } from '../../../../src/core/tensor/region.js';
import type { Dispatch } from '../dispatch.js';
import { livingPanels } from '../panels.js';
import { productForm, productGroups, productUniform, type ProductCall } from '../product-call.js';
import { productShader } from '../product.js';
import type { Window } from './binding-limit.js';
import { wordsTable } from './table.js';

/** Rows [firstRow, endRow) of living segments of an output. */
export interface ProductPart {
  readonly rows: Region;
  readonly depth: number;
  readonly output: ProductOutput;
  readonly firstRow: number;
  readonly endRow: number;
  readonly living: readonly number[];
}

/** What is bound, each with its first element. */
export interface ProductWindows {
  readonly rows: Window;
  readonly panels: Window;
  readonly output: Window;
}

export function productDispatch(part: ProductPart, windows = wholeWindows(part)): Dispatch {
  const { depth, firstRow, endRow, living, output } = part;
  const { panels, segmentStride, rowStride } = output;
  const { columns, segmentColumns } = panels;
  const count = Math.ceil(columns / segmentColumns);
  const dead = new Set(Array.from({ length: count }, (_, segment) => segment));
  for (const segment of living) dead.delete(segment);
  const listed = dead.size === 0 ? null : livingPanels(panels, dead);
  const call: ProductCall = {
    columns,
    segmentColumns,
    depth,
    firstRow,
    endRow,
    // They may be negative: what is added makes them good.
    rowsOffset: -windows.rows.start,
    panelsOffset: -windows.panels.start / 4,
    outputOffset: -windows.output.start,
    segmentStride,
    rowStride,
    listed: listed && listed.length,
  };
  const form = productForm(call);
  return {
    shader: productShader(form),
    uniform: productUniform(form, call),
    bound: [
      windows.rows.bound,
      windows.panels.bound,
      wordsTable(listed ?? new Uint32Array(1)),
      windows.output.bound,
    ],
    groups: productGroups(form, call),
  };
}

function wholeWindows({ rows, output }: ProductPart): ProductWindows {
  const whole = (bound: Region): Window => ({ bound, start: 0 });
  return { rows: whole(rows), panels: whole(output.panels.region), output: whole(output.region) };
}
