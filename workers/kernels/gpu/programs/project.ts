// Products with packed weights: one dispatch for each output of a product, or several where a binding doesn't hold its
// operands.
import { append } from '../../../../src/core/lists.js';
import type { Product, ProjectWork } from '../../../../src/core/protocol/layer-work.js';
import { unitWords } from '../../../../src/core/protocol/tables.js';
import type { Dispatch, Program, ProgramContext } from '../dispatch.js';
import { BindingLimit } from './binding-limit.js';
import { cutProduct } from './product-cut.js';
import { productDispatch, type ProductPart } from './product-dispatch.js';

export function projectProgram(
  { products }: ProjectWork,
  units: Int32Array,
  { limits }: Pick<ProgramContext, 'limits'>,
): Program {
  const limit = new BindingLimit(limits);
  const asked = askedOf(products.length, units);
  return { dispatches: products.flatMap((product, index) => dispatchesOf(product, asked[index]!, limit)) };
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

function dispatchesOf(
  { rows, depth, outputs }: Product,
  { rows: rowCount, segments }: Asked,
  limit: BindingLimit,
): Dispatch[] {
  const dispatches: Dispatch[] = [];
  let skipped = 0;
  for (const output of outputs) {
    const count = Math.ceil(output.panels.columns / output.panels.segmentColumns);
    const living = Array.from({ length: count }, (_, segment) => segment).filter((segment) =>
      segments.has(skipped + segment),
    );
    skipped += count;
    if (living.length === 0) continue;
    const part: ProductPart = { rows, depth, output, firstRow: 0, endRow: rowCount, living };
    const whole = productDispatch(part);
    const isHeld = whole.bound.every((operand) => limit.holds(operand));
    append(dispatches, isHeld ? [whole] : cutProduct(part, limit));
  }
  return dispatches;
}
