// The values of a page, one after another without those that are null.
import { elementsOfStep, type Steps } from '../../../core/steps.js';
import type { Page } from './pages.js';
import { mostBits, readRuns } from './runs.js';
import type { ValueList, ValueReader } from './value-readers.js';

/** The values at the start of `body`, as dictionaries have them. @throws Error */
export function readPlain<V>(
  { bytesPerValue = leastBytes, decode }: ValueReader<V>,
  body: Uint8Array,
  count: number,
): Steps<ValueList<V>> {
  if (count * bytesPerValue > body.length) throw new Error('a page is cut short');
  return decode(body, count);
}

/** Of a value that says itself how long it is. */
const leastBytes = 4;

/** What a data page has behind its levels. @param dictionary of the pages before. @throws Error */
export function* readValues<V>(
  reader: ValueReader<V>,
  { encoding, body, count }: Pick<Page, 'encoding' | 'count'> & { readonly body: Uint8Array },
  dictionary: ValueList<V> | undefined,
): Steps<ValueList<V>> {
  switch (encoding) {
    case 'PLAIN':
      return yield* readPlain(reader, body, count);
    case 'BYTE_STREAM_SPLIT':
      return yield* readPlain(reader, yield* joinStreams(body, count, reader.bytesPerValue), count);
    case 'PLAIN_DICTIONARY':
    case 'RLE_DICTIONARY':
      return yield* lookUp(reader, yield* readIndices(body, count), dictionary);
    default:
      throw new Error(`values are encoded as ${encoding}`);
  }
}

/** First bytes, second bytes and so on of all values, to be one value after another. */
function* joinStreams(body: Uint8Array, count: number, width: number | undefined): Steps<Uint8Array> {
  if (width === undefined || count * width > body.length) throw new Error('a page is cut short');
  const joined = new Uint8Array(count * width);
  for (let index = 0; index < count; index++) {
    for (let byte = 0; byte < width; byte++) joined[index * width + byte] = body[byte * count + index]!;
    if (index % elementsOfStep === 0) yield;
  }
  return joined;
}

/** How many bits they have stands in front of them. */
function* readIndices(body: Uint8Array, count: number): Steps<Uint32Array> {
  const bits = body[0] ?? 0;
  if (bits > mostBits) throw new Error(`indices have ${bits} bits`);
  const indices = new Uint32Array(count);
  yield* readRuns(body.subarray(1), bits, indices);
  return indices;
}

function* lookUp<V>(
  { createList }: ValueReader<V>,
  indices: Uint32Array,
  dictionary: ValueList<V> | undefined,
): Steps<ValueList<V>> {
  const list = createList(indices.length);
  for (let n = 0; n < indices.length; n++) {
    const value = dictionary?.[indices[n]!];
    if (value === undefined) throw new Error(`there is no value ${indices[n]!} in a dictionary`);
    list[n] = value;
    if (n % elementsOfStep === 0) yield;
  }
  return list;
}
