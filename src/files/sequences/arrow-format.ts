// Sequences in Arrow IPC files and streams: a row a sequence, as lists of fixed-size lists of floats in the column `x`
// with their names in the column `id`. Files and streams are told apart by content.
import { createArrowEncoder } from './arrow/encoder.js';
import { loadArrow } from './arrow/load-arrow.js';
import { openArrowStream } from './arrow/stream.js';
import type { FormatImplementation } from './sequences.js';

export const arrowFormat: FormatImplementation = createArrowFormat(loadArrow);

/** @internal The format on a package that `load` gives, when first asked for. */
export function createArrowFormat(load: typeof loadArrow): FormatImplementation {
  return {
    openStream: async (source) => openArrowStream(await load(), source),
    createEncoder: async (outline) => createArrowEncoder(await load(), outline),
  };
}
