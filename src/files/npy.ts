// The header of a NumPy .npy file, read and written as bytes; files are opened elsewhere.
// Stricter than NumPy, which accepts negative lengths and bytes after the data.
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
import { invalidFile } from '../core/errors.js';
import { elementCount, formatShape, isShape, type Shape } from '../core/tensor/shape.js';
import { parsePythonDict, type PythonValue } from './python-literal.js';
import { bytesPerStored, type StorageType } from './storage.js';

/** NumPy itself knows no BF16. */
export type NpyType = Exclude<StorageType, 'BF16'>;

export interface NpyHeader {
  readonly dtype: NpyType;
  readonly shape: Shape;
  readonly isFortranOrder: boolean;
  readonly isBigEndian: boolean;
  /** Of the first element, from the start of the file. */
  readonly dataOffset: number;
}

/** The longest header accepted; NumPy's own default limit. */
const longestHeader = 10_000;

/** The bytes of a file that say how long its header is; every accepted file has more. */
export const npyLengthBytes = 12;

/** As many bytes of a file's beginning as any accepted header needs. */
export const npyPrefixBytes = 12 + longestHeader;

const magic = Buffer.from('\x93NUMPY', 'latin1');
const alignment = 64;

const typeOfCode: ReadonlyMap<string, NpyType> = new Map([
  ['f8', 'F64'],
  ['f4', 'F32'],
  ['f2', 'F16'],
  ['i8', 'I64'],
  ['i4', 'I32'],
  ['i2', 'I16'],
  ['i1', 'I8'],
  ['u8', 'U64'],
  ['u4', 'U32'],
  ['u2', 'U16'],
  ['u1', 'U8'],
  ['b1', 'BOOL'],
]);

/** Where the header ends, going by the first `npyLengthBytes`, which are not checked here. */
export function findNpyDataOffset(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, npyLengthBytes);
  return view.getUint8(6) === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
}

/**
 * The header of a file of `fileSize` bytes, if that is known, that begins with `bytes` (the first `npyPrefixBytes`, or
 * all of a shorter file).
 * @throws INVALID_FILE naming `magic`, `version`, `header`, `descr`, `fortran_order`, `shape` or `data`
 */
export function parseNpyHeader(bytes: Uint8Array, path: string, fileSize: number | undefined): NpyHeader {
  const { text, dataOffset } = takeHeaderText(bytes, path);
  const entries = parsePythonDict(text, path);
  for (const key of entries.keys()) {
    if (key !== 'descr' && key !== 'fortran_order' && key !== 'shape') {
      throw invalidFile(path, 'only descr, fortran_order and shape', 'header', key);
    }
  }
  const { dtype, isBigEndian } = parseDescr(entries.get('descr'), path);
  const isFortranOrder = entries.get('fortran_order');
  if (typeof isFortranOrder !== 'boolean') {
    throw invalidFile(path, 'True or False', 'fortran_order', isFortranOrder);
  }
  const shape = entries.get('shape');
  if (!isShape(shape)) {
    throw invalidFile(path, 'a tuple of integers >= 0 with a product below 2^53', 'shape', shape);
  }
  const dataBytes = elementCount(shape) * bytesPerStored(dtype);
  if (fileSize !== undefined && fileSize - dataOffset !== dataBytes) {
    const what = `${dataBytes} bytes of ${dtype} for shape ${formatShape(shape)}`;
    throw invalidFile(path, what, 'data', fileSize - dataOffset);
  }
  return { dtype, shape, isFortranOrder, isBigEndian, dataOffset };
}

/**
 * A version 1.0 header for little-endian numbers in C order, padded so that data start at a multiple of 64, and at
 * `leastBytes` at the earliest.
 */
export function formatNpyHeader(dtype: NpyType, shape: Shape, leastBytes = 0): Uint8Array {
  const [code] = [...typeOfCode].find(([, type]) => type === dtype)!;
  const order = bytesPerStored(dtype) === 1 ? '|' : '<';
  const tuple = shape.length === 1 ? `(${shape[0]!},)` : `(${shape.join(', ')})`;
  const dict = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const dataOffset = Math.max(leastBytes, Math.ceil((10 + dict.length + 1) / alignment) * alignment);
  const bytes = Buffer.alloc(dataOffset, ' ');
  magic.copy(bytes);
  bytes.writeUInt8(1, 6);
  bytes.writeUInt8(0, 7);
  bytes.writeUInt16LE(dataOffset - 10, 8);
  bytes.write(dict, 10, 'latin1');
  bytes.write('\n', dataOffset - 1, 'latin1');
  return bytes;
}

function takeHeaderText(bytes: Uint8Array, path: string): { text: string; dataOffset: number } {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!file.subarray(0, magic.length).equals(magic)) {
    throw invalidFile(path, 'the six bytes \\x93NUMPY', 'magic', file.toString('latin1', 0, magic.length));
  }
  const [major, minor] = file.subarray(6, 8);
  if (minor !== 0 || (major !== 1 && major !== 2 && major !== 3)) {
    throw invalidFile(path, 'version 1.0, 2.0 or 3.0', 'version', `${major ?? '?'}.${minor ?? '?'}`);
  }
  const start = major === 1 ? 10 : 12;
  if (file.length < start) throw invalidFile(path, `at least ${start} bytes`, 'header', file.length);
  const length = major === 1 ? file.readUInt16LE(8) : file.readUInt32LE(8);
  if (length > longestHeader) throw invalidFile(path, `at most ${longestHeader} bytes`, 'header', length);
  const dataOffset = start + length;
  if (file.length < dataOffset) throw invalidFile(path, `${length} bytes`, 'header', file.length - start);
  // Version 3 allows UTF-8 in the names of structured types, which no accepted header has.
  return { text: file.toString('latin1', start, dataOffset), dataOffset };
}

function parseDescr(descr: PythonValue | undefined, path: string) {
  const [, order, code] = /^([<>|])([a-z]\d)$/.exec(typeof descr === 'string' ? descr : '') ?? [];
  const dtype = typeOfCode.get(code ?? '');
  if (dtype === undefined || (order === '|' && bytesPerStored(dtype) > 1)) {
    throw invalidFile(path, 'a plain float, integer or boolean type such as <f4', 'descr', descr);
  }
  return { dtype, isBigEndian: order === '>' };
}
