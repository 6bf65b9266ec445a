// The registry of sequence formats: the extension of a path, or a name, says which one reads or writes it.
import { extname } from 'node:path';
import { expected } from '../../errors.js';
import { arrowFormat } from './arrow-format.js';
import { jsonlFormat } from './jsonl-format.js';
import { npyFormat } from './npy-format.js';
import { npzFormat } from './npz-format.js';
import { safetensorsFormat } from './safetensors-format.js';
import type { FormatName, SequenceFormat, SequenceReader } from './sequences.js';

const formats: readonly SequenceFormat[] = [
  safetensorsFormat,
  npyFormat,
  npzFormat,
  jsonlFormat,
  arrowFormat,
];

/** All extensions that sequences are read from, with their dots. */
export const sequenceExtensions: readonly string[] = formats.flatMap(({ extensions }) => extensions);

/** @throws INVALID_OPTION if the extension is unknown */
export function formatOf(path: string, field = 'path'): SequenceFormat {
  const format = findFormat(path);
  if (format !== undefined) return format;
  const known = `${sequenceExtensions.slice(0, -1).join(', ')} or ${sequenceExtensions.at(-1)!}`;
  throw expected('INVALID_OPTION', `a path with the extension ${known}`, field, path);
}

/** The format that the extension of `path` says, if it is one. */
export function findFormat(path: string): SequenceFormat | undefined {
  const extension = extname(path).toLowerCase();
  return formats.find(({ extensions }) => extensions.includes(extension));
}

export function formatNamed(name: FormatName): SequenceFormat {
  return formats.find((format) => format.name === name)!;
}

/**
 * Opens a file of sequences whose header tells every length, and checks its layout; the numbers are read when asked
 * for, in any order.
 * @throws INVALID_FILE naming the field, FILE_FAILED; INVALID_OPTION if the extension is unknown or the format has to
 * be read from its start
 */
export async function openSequences(path: string): Promise<SequenceReader> {
  const { openReader } = formatOf(path);
  if (openReader !== undefined) return openReader(path);
  const known = formats.flatMap((format) => (format.openReader ? format.extensions : [])).join(', ');
  throw expected('INVALID_OPTION', `a file that can be read in any order (${known})`, 'path', path);
}
