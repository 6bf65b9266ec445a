// The registry of sequence formats: the extension of a path, or a name, says which one reads or writes it.
import { extname } from 'node:path';
import { expected } from '../../core/errors.js';
import {
  pipeableFormats,
  writableFormats,
  type FormatImplementation,
  type FormatName,
  type SequenceFormat,
  type SequenceReader,
} from './sequences.js';

type Load = () => Promise<FormatImplementation>;

interface Traits extends Pick<SequenceFormat, 'name' | 'extensions'> {
  /** Whether its header tells every length. */
  readonly canSeek: boolean;
}

// Each is loaded when a file of it is opened: a run needs one or two of them.
const formats: readonly SequenceFormat[] = [
  lazily(
    { name: 'safetensors', extensions: ['.safetensors'], canSeek: true },
    async () => (await import('./safetensors-format.js')).safetensorsFormat,
  ),
  lazily(
    { name: 'npy', extensions: ['.npy'], canSeek: true },
    async () => (await import('./npy-format.js')).npyFormat,
  ),
  lazily(
    { name: 'npz', extensions: ['.npz'], canSeek: true },
    async () => (await import('./npz-format.js')).npzFormat,
  ),
  lazily(
    { name: 'jsonl', extensions: ['.jsonl', '.ndjson'], canSeek: false },
    async () => (await import('./jsonl-format.js')).jsonlFormat,
  ),
  lazily(
    { name: 'arrow', extensions: ['.arrow', '.arrows', '.feather'], canSeek: false },
    async () => (await import('./arrow-format.js')).arrowFormat,
  ),
  lazily(
    { name: 'parquet', extensions: ['.parquet'], canSeek: false },
    async () => (await import('./parquet-format.js')).parquetFormat,
  ),
];

function lazily({ name, extensions, canSeek }: Traits, load: Load): SequenceFormat {
  const isOneOf = (names: readonly FormatName[]): boolean => names.includes(name);
  return {
    name,
    extensions,
    isPipeable: isOneOf(pipeableFormats),
    openStream: async (source) => (await load()).openStream(source),
    ...(canSeek && { openReader: async (path) => (await load()).openReader!(path) }),
    ...(isOneOf(writableFormats) && {
      createEncoder: async (outline) => (await load()).createEncoder!(outline),
    }),
  };
}

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
