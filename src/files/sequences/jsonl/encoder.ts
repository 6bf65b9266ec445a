// Writes sequences as lines of JSON, {"id": …, "x": [[…], …], …}, with numbers as short as float32 allows. NaN and
// infinities, which JSON has no text for, are the words that Python's json module writes and reads.
import { expected } from '../../../core/errors.js';
import type { OutputOutline, SequenceEncoder, SequenceName, Sequences } from '../sequences.js';
import { shortestDecimal } from './shortest-decimal.js';

/** Characters of a piece, beyond which the next begins. */
const pieceLength = 2 ** 21;

const nothing = new Uint8Array(0);

/** @throws INVALID_OPTION if `dtype` is not f32, since decimals are written of nothing else */
export function createJsonlEncoder(outline: OutputOutline): SequenceEncoder {
  if (outline.dtype !== 'f32') throw expected('INVALID_OPTION', "'f32' in .jsonl", 'dtype', outline.dtype);
  return {
    prologue: nothing,
    encode: (sequences, rows) => encodeLines(sequences, rows, outline),
    assume: () => undefined,
    finish: () => ({ epilogue: nothing }),
  };
}

function encodeLines(
  { lengths, names, fields }: Sequences,
  rows: Float32Array,
  { modelDim, isPooled }: Pick<OutputOutline, 'modelDim' | 'isPooled'>,
): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let text = '';
  let at = 0;
  for (const [index, length] of lengths.entries()) {
    if (isPooled && length !== 1) {
      throw expected('INVALID_OPTION', '1, because sequences are pooled,', `lengths[${index}]`, length);
    }
    text += `{${formatId(names?.[index])}"x":${isPooled ? '' : '['}`;
    for (let token = 0; token < length; token++, at += modelDim) {
      const row = rows.subarray(at, at + modelDim);
      text += (token === 0 ? '' : ',') + formatRow(row);
      if (text.length >= pieceLength) {
        pieces.push(Buffer.from(text));
        text = '';
      }
    }
    const kept = fields?.[index] ?? '';
    text += `${isPooled ? '' : ']'}${kept === '' ? '' : `,${kept}`}}\n`;
  }
  if (text !== '') pieces.push(Buffer.from(text));
  return pieces;
}

function formatId(name: SequenceName | undefined): string {
  return name === null || name === undefined ? '' : `"id":${JSON.stringify(name)},`;
}

function formatRow(row: Float32Array): string {
  const numbers = new Array<number>(row.length);
  for (let i = 0; i < row.length; i++) numbers[i] = shortestDecimal(row[i]!);
  if (!numbers.some(isUnknownToJson)) return JSON.stringify(numbers);
  return `[${numbers.map((number) => (isNegativeZero(number) ? '-0' : String(number))).join()}]`;
}

/** JSON.stringify makes null of them, or drops the sign. */
function isUnknownToJson(number: number): boolean {
  return isNegativeZero(number) || !Number.isFinite(number);
}

function isNegativeZero(number: number): boolean {
  return Object.is(number, -0);
}
