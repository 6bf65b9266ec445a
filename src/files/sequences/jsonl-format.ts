// Sequences as lines of JSON: {"id": …, "x": [[…], …]}, or {"id": …, "tokens": […]} where an embedding is given.
import { createJsonlEncoder } from './jsonl/encoder.js';
import { openJsonlStream } from './jsonl/stream.js';
import type { FormatImplementation } from './sequences.js';

export const jsonlFormat: FormatImplementation = {
  openStream: (source) => openJsonlStream(source),
  createEncoder: (outline) => Promise.resolve(outline).then(createJsonlEncoder),
};
