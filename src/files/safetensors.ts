// The header of a .safetensors file, read and written as bytes; files are opened elsewhere.
// Every rule of the format is checked: spans that overlap, leave holes or disagree with a shape are errors.
// Format: https://huggingface.co/docs/safetensors/index#format
import { Breather } from '../core/breather.js';
import { expected, invalidFile } from '../core/errors.js';
import { sort, type Steps } from '../core/steps.js';
import { elementCount, isShape, type Shape } from '../core/tensor/shape.js';
import { quoteName } from './field-name.js';
import {
  bytesPerStored,
  isStorageType,
  storageTypes,
  type StorageType,
  type StoredTensor,
} from './storage.js';
import { readStrictObject, type JsonValue } from './strict-json.js';

export interface SafetensorsHeader {
  /** In the order of the header. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Where the header ends and the data begin. */
  readonly dataOffset: number;
}

/** A tensor to be laid out in a new file. */
export interface TensorOutline {
  readonly name: string;
  readonly dtype: StorageType;
  readonly shape: Shape;
}

/** The bytes of a file that say how long its header is. */
const safetensorsPrefixBytes = 8;

/** The limit of the reference implementation. */
export const longestHeader = 100_000_000;
const alignment = 64;
const metadataKey = '__metadata__';
const openingBrace = 0x7b;

/** Some hundred microseconds' worth. */
const spansOfStep = 2 ** 11;

/**
 * Where the header of a file of `fileSize` bytes ends, from its first 8 bytes.
 * @throws INVALID_FILE naming `header length`
 */
export function findSafetensorsDataOffset(
  prefix: Uint8Array,
  {
    path,
    fileSize,
    maxHeaderBytes = longestHeader,
  }: { path: string; fileSize: number; maxHeaderBytes?: number },
): number {
  if (fileSize < safetensorsPrefixBytes || prefix.length < safetensorsPrefixBytes) {
    throw invalidFile(path, 'at least 8 bytes', 'header length', Math.min(fileSize, prefix.length));
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > maxHeaderBytes) {
    throw invalidFile(path, `at most ${maxHeaderBytes}`, 'header length', length);
  }
  const dataOffset = safetensorsPrefixBytes + Number(length);
  if (dataOffset > fileSize) {
    throw invalidFile(path, `at most the ${fileSize - 8} bytes that follow`, 'header length', Number(length));
  }
  return dataOffset;
}

/**
 * The header of a file of `fileSize` bytes that begins with `bytes`, which reach to the end of the header.
 * @throws INVALID_FILE naming `header length`, `header`, or a tensor and its field
 */
export async function parseSafetensorsHeader(
  bytes: Uint8Array,
  path: string,
  fileSize: number,
): Promise<SafetensorsHeader> {
  const dataOffset = findSafetensorsDataOffset(bytes, { path, fileSize });
  const text = decodeHeader(bytes.subarray(safetensorsPrefixBytes, dataOffset), path);
  const breather = new Breather();
  const tensors = new Map<string, StoredTensor>();
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, entry] of readStrictObject(text, path)) {
    if (name === metadataKey) metadata = parseMetadata(entry, path);
    else tensors.set(name, parseEntry(name, entry, { path, dataOffset }));
    if (breather.isDue) await breather.rest();
  }
  await breather.run(checkSpans(tensors, { path, dataOffset, fileSize }));
  return { tensors, metadata, dataOffset };
}

/**
 * The header for `outlines`, laid out in their order without holes, padded with spaces so that the data start at a
 * multiple of 64 bytes, and at `leastBytes` at the earliest; `bytes` is what to write at the start of the file.
 * @throws INVALID_OPTION if a name comes twice or is the metadata's own
 */
export function formatSafetensorsHeader(
  outlines: readonly TensorOutline[],
  metadata: ReadonlyMap<string, string> = new Map(),
  leastBytes = 0,
): SafetensorsHeader & { readonly bytes: Uint8Array; readonly fileSize: number } {
  const names = new Set([metadataKey]);
  const entries: string[] = [];
  if (metadata.size > 0) {
    const pairs = [...metadata].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    entries.push(`"${metadataKey}":{${pairs.join(',')}}`);
  }
  let end = 0;
  const spans = outlines.map(({ name, dtype, shape }) => {
    if (names.has(name)) throw expected('INVALID_OPTION', 'distinct names', 'tensors', name);
    names.add(name);
    const begin = end;
    end += elementCount(shape) * bytesPerStored(dtype);
    const fields = `"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${begin},${end}]`;
    entries.push(`${JSON.stringify(name)}:{${fields}}`);
    return { begin, byteLength: end - begin };
  });
  const text = Buffer.from(`{${entries.join(',')}}`);
  const dataOffset = Math.max(
    leastBytes,
    Math.ceil((safetensorsPrefixBytes + text.length) / alignment) * alignment,
  );
  const bytes = Buffer.alloc(dataOffset, ' ');
  bytes.writeBigUInt64LE(BigInt(dataOffset - safetensorsPrefixBytes));
  text.copy(bytes, safetensorsPrefixBytes);
  const tensors = new Map(
    outlines.map(({ name, dtype, shape }, index) => {
      const { begin, byteLength } = spans[index]!;
      return [name, storedTensor({ dtype, shape, byteOffset: dataOffset + begin, byteLength })];
    }),
  );
  return { bytes, tensors, metadata, dataOffset, fileSize: dataOffset + end };
}

function decodeHeader(header: Uint8Array, path: string): string {
  if (header[0] !== openingBrace) {
    throw invalidFile(path, '`{` as its first byte', 'header', header[0]);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
  } catch {
    throw invalidFile(path, 'valid UTF-8', 'header', header);
  }
}

function parseMetadata(entry: JsonValue, path: string): Map<string, string> {
  if (!(entry instanceof Map)) throw invalidFile(path, 'an object of strings', metadataKey, entry);
  const metadata = new Map<string, string>();
  for (const [key, value] of entry as ReadonlyMap<string, JsonValue>) {
    if (typeof value !== 'string') {
      throw invalidFile(path, 'a string', `${metadataKey}.${quoteName(key)}`, value);
    }
    metadata.set(key, value);
  }
  return metadata;
}

function parseEntry(
  name: string,
  entry: JsonValue,
  file: { path: string; dataOffset: number },
): StoredTensor {
  const { path, dataOffset } = file;
  const fail = (what: string, field: string, value: unknown) =>
    invalidFile(path, what, `${quoteName(name)}${field}`, value);
  if (!(entry instanceof Map)) throw fail('an object', '', entry);
  const fields = entry as ReadonlyMap<string, JsonValue>;
  for (const key of fields.keys()) {
    if (key !== 'dtype' && key !== 'shape' && key !== 'data_offsets') {
      throw fail('only dtype, shape and data_offsets', '', key);
    }
  }
  const dtype = fields.get('dtype');
  const shape = fields.get('shape');
  const offsets = fields.get('data_offsets');
  if (!isStorageType(dtype)) throw fail(`one of ${storageTypes.join(', ')}`, '.dtype', dtype);
  if (!isShape(shape)) throw fail('a list of integers >= 0 with a product below 2^53', '.shape', shape);
  if (!isSpan(offsets)) throw fail('[begin, end] with 0 <= begin <= end', '.data_offsets', offsets);
  const [begin, end] = offsets;
  const byteLength = elementCount(shape) * bytesPerStored(dtype);
  if (end - begin !== byteLength) {
    throw fail(`a span of ${byteLength} bytes, as dtype and shape say`, '.data_offsets', offsets);
  }
  return storedTensor({ dtype, shape, byteOffset: dataOffset + begin, byteLength });
}

function isSpan(value: JsonValue | undefined): value is readonly [number, number] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [begin, end] = value as readonly JsonValue[];
  return typeof begin === 'number' && typeof end === 'number' && begin >= 0 && begin <= end;
}

/** Sorted by where they begin, the spans must follow one another from the header to the end of the file. */
function* checkSpans(
  tensors: ReadonlyMap<string, StoredTensor>,
  { path, dataOffset, fileSize }: { path: string; dataOffset: number; fileSize: number },
): Steps<void> {
  let end = dataOffset;
  let count = 0;
  for (const [name, { byteOffset, byteLength }] of yield* inOrder(tensors)) {
    if (++count % spansOfStep === 0) yield;
    if (byteOffset !== end) {
      const what = `a span that begins at ${end - dataOffset}, where the one before it ends,`;
      throw invalidFile(path, what, `${quoteName(name)}.data_offsets`, byteOffset - dataOffset);
    }
    end += byteLength;
  }
  if (end !== fileSize) {
    throw invalidFile(path, `${end - dataOffset} bytes of tensors`, 'data', fileSize - dataOffset);
  }
}

/** By where they begin, as most files have them. */
function* inOrder(
  tensors: ReadonlyMap<string, StoredTensor>,
): Steps<readonly (readonly [string, StoredTensor])[]> {
  const entries: (readonly [string, StoredTensor])[] = [];
  let isInOrder = true;
  let last = 0;
  for (const entry of tensors) {
    const { byteOffset, byteLength } = entry[1];
    isInOrder &&= byteOffset >= last;
    last = byteOffset + byteLength;
    if (entries.push(entry) % spansOfStep === 0) yield;
  }
  return isInOrder ? entries : yield* sort(entries, ([, a], [, b]) => compareSpans(a, b));
}

function compareSpans(a: StoredTensor, b: StoredTensor): number {
  return a.byteOffset - b.byteOffset || a.byteLength - b.byteLength;
}

type Span = Pick<StoredTensor, 'dtype' | 'shape' | 'byteOffset' | 'byteLength'>;

function storedTensor({ dtype, shape, byteOffset, byteLength }: Span): StoredTensor {
  return { dtype, shape, byteOffset, byteLength, isBigEndian: false, isFortranOrder: false };
}
