// How values of a type lie in a page, and what is made of them: numbers of floats, names of texts and integers.
import { elementsOfStep, type Steps } from '../../../core/steps.js';
import { bytesPerStored, decodeStored, type StorageType } from '../../storage.js';
import type { ReadElement } from './load-parquet.js';

export interface ValueList<V> {
  readonly length: number;
  [index: number]: V;
}

export interface ValueReader<V> {
  /** Undefined where values say themselves how long they are. */
  readonly bytesPerValue: number | undefined;
  /** The values at the start of `bytes`; of a known length, all of them are there. */
  readonly decode: (bytes: Uint8Array, count: number) => Steps<ValueList<V>>;
  readonly createList: (length: number) => ValueList<V>;
}

const floatTypes: Readonly<Partial<Record<NonNullable<ReadElement['type']>, StorageType>>> = {
  FLOAT: 'F32',
  DOUBLE: 'F64',
  FIXED_LEN_BYTE_ARRAY: 'F16',
};

/** Of a column of floats; wide ones are rounded. */
export function floatReader({ type }: ReadElement): ValueReader<number> {
  const dtype = floatTypes[type!]!;
  const bytesPerValue = bytesPerStored(dtype);
  return {
    bytesPerValue,
    createList: (length) => new Float32Array(length),
    *decode(bytes, count) {
      const list = new Float32Array(count);
      for (let first = 0; first < count; first += elementsOfStep) {
        const part = list.subarray(first, first + elementsOfStep);
        // A copy is aligned.
        decodeStored(bytes.slice(first * bytesPerValue, (first + part.length) * bytesPerValue), dtype, part);
        yield;
      }
      return list;
    },
  };
}

/** A text is its bytes, until somebody asks for it. */
export type NameValue = number | bigint | Uint8Array;

/** Of a column of names. */
export function nameReader(element: ReadElement): ValueReader<NameValue> {
  const createList = (length: number): NameValue[] => new Array<NameValue>(length);
  if (element.type === 'BYTE_ARRAY') return { bytesPerValue: undefined, createList, decode: decodeTexts };
  const bytesPerValue = element.type === 'INT64' ? 8 : 4;
  const readInteger = integerReader(element);
  return {
    bytesPerValue,
    createList,
    *decode(bytes, count) {
      const list = createList(count);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let n = 0; n < count; n++) {
        list[n] = readInteger(view, n * bytesPerValue);
        if (n % elementsOfStep === 0) yield;
      }
      return list;
    },
  };
}

function integerReader({
  type,
  converted_type: converted,
  logical_type: logical,
}: ReadElement): (view: DataView, at: number) => number | bigint {
  const isUnsigned =
    converted?.startsWith('UINT') === true || (logical?.type === 'INTEGER' && !logical.isSigned);
  if (type === 'INT64') {
    return isUnsigned ? (view, at) => view.getBigUint64(at, true) : (view, at) => view.getBigInt64(at, true);
  }
  return isUnsigned ? (view, at) => view.getUint32(at, true) : (view, at) => view.getInt32(at, true);
}

/** Some hundred microseconds' worth. */
const textsOfStep = 2 ** 10;

/** Each behind its length. @throws Error */
function* decodeTexts(bytes: Uint8Array, count: number): Steps<Uint8Array[]> {
  const list: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; list.length < count;) {
    const begin = at + 4;
    if (begin <= bytes.length) at = begin + view.getUint32(at, true);
    if (begin > bytes.length || at > bytes.length) throw new Error('a page is cut short');
    if (list.push(bytes.subarray(begin, at)) % textsOfStep === 0) yield;
  }
  return list;
}
