// The registry of sequence formats: the extension of a path says which one reads or writes it.
import { extname } from 'node:path';
import { expected } from '../errors.js';
import { npySequences } from './npy-sequences.js';
import { safetensorsSequences } from './safetensors-sequences.js';
import { createLayout } from './sequence-layout.js';
import type {
  SequenceFormat,
  SequenceLayout,
  SequenceReader,
  SequenceWriter,
  SequenceWriterOptions,
} from './sequences.js';

const formats: readonly SequenceFormat[] = [safetensorsSequences, npySequences];

/**
 * Opens a file of sequences and checks its layout; the numbers are read when asked for.
 * @throws INVALID_FILE naming the field, FILE_FAILED
 */
export async function openSequences(path: string): Promise<SequenceReader> {
  return formatOf(path).openReader(path);
}

/**
 * Starts a file of float32 rows laid out like `layout`, which may be an open reader or come from `createLayout`.
 * .safetensors keeps names and offsets; .npy holds equal lengths only.
 * @throws INVALID_OPTION if the extension is unknown or the format can't hold the layout, FILE_FAILED
 */
export async function createSequenceWriter(
  path: string,
  layout: SequenceLayout,
  { modelDim = layout.modelDim, ...options }: SequenceWriterOptions = {},
): Promise<SequenceWriter> {
  return formatOf(path).createWriter(path, createLayout({ ...layout, modelDim }), options);
}

function formatOf(path: string): SequenceFormat {
  const extension = extname(path).toLowerCase();
  const format = formats.find((known) => known.extension === extension);
  if (format !== undefined) return format;
  const known = formats.map((format) => format.extension).join(' or ');
  throw expected('INVALID_OPTION', `a path with the extension ${known}`, 'path', path);
}
