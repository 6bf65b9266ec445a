// One line of a .jsonl file: {"id": …, "x": [[…], …]} or {"id": …, "tokens": […]}. Nothing else is accepted.
import { HeadpoolError } from '../../../core/errors.js';
import { didYouMean } from '../../../core/suggest.js';
import { LineCursor } from './cursor.js';
import { codes, valueOf } from './text.js';
import type { SequenceName, StreamSource } from '../sequences.js';

export interface JsonlRow extends Content {
  readonly name: SequenceName;
}

interface Content {
  /** In tokens. */
  readonly length: number;
  /** Fills `target` [length, modelDim]. */
  readonly fill: (target: Float32Array) => void;
}

type Source = Pick<StreamSource, 'path' | 'modelDim' | 'embedding'>;

const keys = ['id', 'x', 'tokens'];
const integerText = /^(?:0|-?[1-9][0-9]{0,15})$/;

/** What rounds to infinity begins half a step beyond the largest float32. */
const beyondFloat32 = 2 ** 128 - 2 ** 103;
const isFloat32 = (value: unknown) => typeof value === 'number' && Math.abs(value) < beyondFloat32;

/** Far more than attention can be computed for; it bounds the memory that a line of ids takes. */
const mostIds = 2 ** 24;

/** @param number of the line, counted from 1. @throws INVALID_FILE naming the line and the element or column */
export function parseRow(line: Buffer, number: number, source: Source): JsonlRow {
  const cursor = new LineCursor(line, { number, path: source.path });
  const seen = new Set<string>();
  let name: SequenceName = null;
  let content: Content | undefined;
  cursor.take('{');
  if (!cursor.skip('}')) {
    do {
      const key = takeKey(cursor, seen);
      if (key === 'id') name = takeId(cursor);
      else if (content !== undefined) throw cursor.invalid('only one of `x` and `tokens`', 2, key);
      else content = key === 'x' ? takeRows(cursor, source) : takeIds(cursor, source);
    } while (cursor.skip(','));
    cursor.take('}');
  }
  cursor.takeEnd();
  if (content === undefined) throw cursor.invalid('`x` or `tokens`', undefined);
  return { name, ...content };
}

/** A known key that is not yet `seen`, and the colon and blanks after it. */
function takeKey(cursor: LineCursor, seen: Set<string>): string {
  if (cursor.peek() !== '"') throw cursor.unexpected('a quoted key');
  const column = cursor.at + 1;
  const key = cursor.takeString();
  if (!keys.includes(key)) {
    const { message } = cursor.invalid('only `id`, `x` or `tokens`', key, `column ${column}`);
    // How near a name is takes time with its length to find out.
    throw new HeadpoolError('INVALID_FILE', message + (key.length > 80 ? '' : didYouMean(key, keys)));
  }
  if (seen.has(key)) throw cursor.givenTwice(key);
  seen.add(key);
  cursor.take(':');
  cursor.peek();
  return key;
}

function takeId(cursor: LineCursor): string | number {
  if (cursor.peek() === '"') return cursor.takeString();
  const text = cursor.takeWord();
  const id = integerText.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(id)) return id;
  throw cursor.invalid('a string or an integer below 2^53', valueOf(text), 'id');
}

function takeRows(cursor: LineCursor, { modelDim }: Source): Content {
  if (cursor.peek() !== '[') {
    throw cursor.invalid(`rows of ${modelDim} numbers`, valueOf(cursor.takeWord()), 'x');
  }
  cursor.take('[');
  const rows = new Float32Array(countRows(cursor, modelDim) * modelDim);
  const rule = { least: modelDim, most: modelDim, isRight: isFloat32 };
  const wanted = { list: `a row of ${modelDim} numbers`, element: 'a number in the range of float32' };
  let length = 0;
  if (!cursor.skip(']')) {
    do {
      rows.set(cursor.takeNumbers(`x[${length}]`, rule, wanted), length * modelDim);
      length++;
    } while (cursor.skip(','));
    cursor.take(']');
  }
  const fill = (target: Float32Array): void => {
    target.set(rows.subarray(0, length * modelDim));
  };
  return { length, fill };
}

/** As many rows as can follow, going by their brackets and by the two bytes that a number and its comma take. */
function countRows({ line, at }: LineCursor, modelDim: number): number {
  const most = Math.floor((line.length - at) / (2 * modelDim + 1));
  let count = 0;
  let next = at;
  while (count < most && (next = line.indexOf(codes.bracket, next) + 1) > 0) count++;
  return count;
}

function takeIds(cursor: LineCursor, { embedding }: Source): Content {
  if (embedding === undefined) throw cursor.invalid('an embedding table', undefined, 'tokens');
  const { vocabulary } = embedding;
  const isRight = (id: unknown) => Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocabulary;
  const most = Math.min(embedding.mostTokens, mostIds);
  const wanted = { list: `at most ${most} ids`, element: `an id from 0 to ${vocabulary - 1}` };
  const ids = cursor.takeNumbers('tokens', { least: 0, most, isRight }, wanted);
  const fill = (target: Float32Array): void => {
    embedding.embed(ids, target);
  };
  return { length: ids.length, fill };
}
