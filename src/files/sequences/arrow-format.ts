// Sequences in Arrow IPC files and streams: a row a sequence, as lists of lists of floats in the column `x` with their
// names in the column `id`. Files and streams are told apart by content.
import { createArrowEncoder } from './arrow/encoder.js';
import { openArrowStream } from './arrow/stream.js';
import type { FormatImplementation } from './sequences.js';

export const arrowFormat: FormatImplementation = {
  openStream: openArrowStream,
  createEncoder: (outline) => Promise.resolve(outline).then(createArrowEncoder),
};
