// Products with packed weights: one dispatch for each output of a product.
import type { Product, ProductOutput, ProjectWork } from '../../../../src/core/protocol/layer-work.js';
import { unitWords } from '../../../../src/core/protocol/tables.js';
import type { Dispatch, Program } from '../dispatch.js';
import { livingPanels } from '../panels.js';
import { productForm, productGroups, productUniform, type ProductCall } from '../product-call.js';
import { productShader } from '../product.js';
import { wordsTable } from './table.js';

export function projectProgram({ products }: ProjectWork, units: Int32Array): Program {
  const asked = askedOf(products.length, units);
  return { dispatches: products.flatMap((product, index) => dispatchesOf(product, asked[index]!)) };
}

/** What units ask of a product. */
interface Asked {
  rows: number;
  readonly segments: Set<number>;
}

function askedOf(products: number, units: Int32Array): Asked[] {
  const asked = Array.from({ length: products }, (): Asked => ({ rows: 0, segments: new Set() }));
  for (let at = 0; at < units.length; at += unitWords) {
    const [product, , endRow, first, end] = units.subarray(at, at + unitWords);
    const ofProduct = asked[product!]!;
    ofProduct.rows = Math.max(ofProduct.rows, endRow!);
    for (let segment = first!; segment < end!; segment++) ofProduct.segments.add(segment);
  }
  return asked;
}

function dispatchesOf({ rows, depth, outputs }: Product, { rows: rowCount, segments }: Asked): Dispatch[] {
  const dispatches: Dispatch[] = [];
  let skipped = 0;
  for (const output of outputs) {
    const count = Math.ceil(output.panels.columns / output.panels.segmentColumns);
    const dead = new Set<number>();
    for (let segment = 0; segment < count; segment++) {
      if (!segments.has(skipped + segment)) dead.add(segment);
    }
    skipped += count;
    if (dead.size < count) dispatches.push(dispatchOf({ rows, depth }, output, rowCount, dead));
  }
  return dispatches;
}

function dispatchOf(
  { rows, depth }: Pick<Product, 'rows' | 'depth'>,
  { panels, region, segmentStride, rowStride }: ProductOutput,
  rowCount: number,
  dead: ReadonlySet<number>,
): Dispatch {
  const living = dead.size === 0 ? null : livingPanels(panels, dead);
  const call: ProductCall = {
    columns: panels.columns,
    segmentColumns: panels.segmentColumns,
    depth,
    firstRow: 0,
    endRow: rowCount,
    rowsOffset: 0,
    panelsOffset: 0,
    outputOffset: 0,
    segmentStride,
    rowStride,
    listed: living && living.length,
  };
  const form = productForm(call);
  return {
    shader: productShader(form),
    uniform: productUniform(form, call),
    bound: [rows, panels.region, wordsTable(living ?? new Uint32Array(1)), region],
    groups: productGroups(form, call),
  };
}
