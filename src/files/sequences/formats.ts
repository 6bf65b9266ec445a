// The registry of sequence formats: the extension of a path, or a name, says which one reads or writes it.
import { extname } from 'node:path';
import { expected, HeadpoolError } from '../../core/errors.js';
import { compressedExtensions, splitCompression } from '../compression/compressed-path.js';
import { conversionOf, decompressing } from './conversions.js';
import {
  pipeableFormats,
  writableFormats,
  type FormatImplementation,
  type FormatName,
  type SequenceFormat,
  type SequenceReader,
  type StreamSource,
  type TensorChoice,
} from './sequences.js';

type Load = () => Promise<FormatImplementation>;

interface Traits extends Pick<SequenceFormat, 'name' | 'extensions'> {
  /** Whether its header tells every length. */
  readonly canSeek: boolean;
  readonly isCompressible?: boolean;
}

// Each is loaded when a file of it is opened: a run needs one or two of them.
const formats: readonly SequenceFormat[] = [
  lazily(
    { name: 'safetensors', extensions: ['.safetensors'], canSeek: true },
    async () => (await import('./safetensors-format.js')).safetensorsFormat,
  ),
  lazily(
    { name: 'npy', extensions: ['.npy'], canSeek: true, isCompressible: true },
    async () => (await import('./npy-format.js')).npyFormat,
  ),
  lazily(
    { name: 'npz', extensions: ['.npz'], canSeek: true },
    async () => (await import('./npz-format.js')).npzFormat,
  ),
  lazily(
    { name: 'jsonl', extensions: ['.jsonl', '.ndjson'], canSeek: false, isCompressible: true },
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

function lazily({ name, extensions, canSeek, isCompressible = false }: Traits, load: Load): SequenceFormat {
  const isOneOf = (names: readonly FormatName[]): boolean => names.includes(name);
  return {
    name,
    extensions,
    isPipeable: isOneOf(pipeableFormats),
    isCompressible,
    openStream: async (source) => {
      checkChoice(name, source);
      return (await load()).openStream(source);
    },
    ...(canSeek && {
      openReader: async (path, tensors) => {
        checkChoice(name, { path, tensors });
        return (await load()).openReader!(path, tensors);
      },
    }),
    ...(isOneOf(writableFormats) && {
      createEncoder: async (outline) => (await load()).createEncoder!(outline),
    }),
  };
}

/** @throws INVALID_OPTION if what is chosen is nothing that the format has */
function checkChoice(name: FormatName, { path, tensors, fields }: Choice): void {
  const chosen = (['tensor', 'lengths'] as const).find((choice) => tensors?.[choice] !== undefined);
  if (chosen !== undefined && !isOfTensors(name)) {
    throw expected('INVALID_OPTION', 'a file of named tensors (.safetensors, .npz) beside it', chosen, path);
  }
  if (fields?.field !== undefined && name !== 'jsonl') {
    throw expected('INVALID_OPTION', 'lines of JSON (.jsonl) beside it', 'field', path);
  }
}

type Choice = Pick<StreamSource, 'path' | 'tensors' | 'fields'>;

function isOfTensors(name: FormatName): boolean {
  return name === 'safetensors' || name === 'npz';
}

/** All extensions that sequences are read from, with their dots. */
export const sequenceExtensions: readonly string[] = formats.flatMap(({ extensions, isCompressible }) => {
  const compressed = extensions.flatMap((inner) => compressedExtensions.map((outer) => inner + outer));
  return isCompressible ? [...extensions, ...compressed] : extensions;
});

/** @throws INVALID_OPTION if the extension is unknown, naming those that are known and how to get there */
export function formatOf(path: string, field = 'path'): SequenceFormat {
  const format = findFormat(path);
  if (format !== undefined) return format;
  const { compression, path: inner } = splitCompression(path);
  const what = `a path with the extension ${listOf(sequenceExtensions)}`;
  const { message } = expected('INVALID_OPTION', what, field, path);
  const hint =
    compression === undefined || findFormat(inner) === undefined ? conversionOf(path) : decompressing;
  throw new HeadpoolError('INVALID_OPTION', message + hint);
}

/**
 * The format that can be written to `path`.
 * @throws INVALID_OPTION naming those that can
 */
export function writableFormatOf(path: string, field = 'path'): SequenceFormat {
  const format = splitCompression(path).compression === undefined ? findFormat(path) : undefined;
  if (format?.createEncoder !== undefined) return format;
  const known = formats.flatMap(({ extensions, createEncoder }) => (createEncoder ? extensions : []));
  throw expected(
    'INVALID_OPTION',
    `a path with an extension that can be written, ${listOf(known)},`,
    field,
    path,
  );
}

/** The format that the extension of `path` says, if it is one. */
export function findFormat(path: string): SequenceFormat | undefined {
  const { path: inner, compression } = splitCompression(path);
  const extension = extname(inner).toLowerCase();
  const found = formats.find(({ extensions }) => extensions.includes(extension));
  return compression === undefined || found?.isCompressible === true ? found : undefined;
}

/** A path in two: the extension that says its format, and what stands before; that of a compression is left out. */
export function splitFormat(path: string): { readonly stem: string; readonly extension: string } {
  const { path: inner } = splitCompression(path);
  const extension = extname(inner);
  return { stem: inner.slice(0, inner.length - extension.length), extension };
}

function listOf(extensions: readonly string[]): string {
  return `${extensions.slice(0, -1).join(', ')} or ${extensions.at(-1)!}`;
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
export async function openSequences(path: string, tensors?: TensorChoice): Promise<SequenceReader> {
  const { openReader } = formatOf(path);
  if (openReader !== undefined) return openReader(path, tensors);
  const known = formats.flatMap((format) => (format.openReader ? format.extensions : [])).join(', ');
  throw expected('INVALID_OPTION', `a file that can be read in any order (${known})`, 'path', path);
}
