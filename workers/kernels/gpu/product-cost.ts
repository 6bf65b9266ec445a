// What a product costs the device by its form, as far as its text tells.
import type { ProductForm } from './product-call.js';
import { productTile, stepDepth, threadRows } from './product.js';

/** What a form takes of a workgroup's memory and registers, and what it costs to multiply and add once. */
export interface ProductCost {
  readonly workgroupBytes: number;
  readonly threads: number;
  /** 32-bit registers of a thread, estimated: sums, operands of a step, what is fetched for the next, and indices. */
  readonly registers: number;
  /** Barriers of a workgroup for each `stepDepth` of the depth. */
  readonly barriersPerStep: number;
  readonly barriersPerMultiplyAdd: number;
  /** Vectors of 16 bytes that a thread fetches from the device's memory for each `stepDepth` of the depth. */
  readonly fetchesPerStep: number;
  readonly bytesPerMultiplyAdd: number;
}

const vectorBytes = 16;
const indexRegisters = 16;

export function costOf(form: Pick<ProductForm, 'tile'>): ProductCost {
  const { threads, across, fetches, stepVectors, panelPitch } = productTile(form);
  const multiplyAdds = form.tile ** 2 * stepDepth;
  const barriersPerStep = 2;
  const fetchesPerStep = 2 * fetches;
  return {
    workgroupBytes: vectorBytes * (form.tile * stepVectors + across * panelPitch),
    threads,
    registers: 4 * (2 * threadRows + 1 + fetchesPerStep) + indexRegisters,
    barriersPerStep,
    barriersPerMultiplyAdd: barriersPerStep / multiplyAdds,
    fetchesPerStep,
    bytesPerMultiplyAdd: (fetchesPerStep * threads * vectorBytes) / multiplyAdds,
  };
}
