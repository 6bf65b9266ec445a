// One line of a .jsonl file: {"id": …, "x": [[…], …], …}, {"id": …, "tokens": […], …} or the rows alone, [[…], …]. A
// list of numbers in the place of rows is one token. Other fields are passed over, or kept as they stand.
import type { Steps } from '../../../core/steps.js';
import { HeadpoolError } from '../../../core/errors.js';
import { LineCursor } from './cursor.js';
import { codes, valueOf } from './text.js';
import type { KeptFields, SequenceName, StreamSource } from '../sequences.js';

export interface JsonlRow extends Content {
  readonly name: SequenceName;
  readonly fields: KeptFields;
}

interface Content {
  /** In tokens. */
  readonly length: number;
  /** Fills `target` [length, modelDim]. */
  readonly fill: (target: Float32Array) => void;
}

type Source = Pick<StreamSource, 'path' | 'modelDim' | 'embedding' | 'fields'>;

/** The field of rows where none is named, and the one that rows are written as. */
export const usualField = 'x';

const integerText = /^(?:0|-?[1-9][0-9]{0,15})$/;

/** What rounds to infinity begins half a step beyond the largest float32. */
const beyondFloat32 = 2 ** 128 - 2 ** 103;
const isFloat32 = (value: unknown) => typeof value === 'number' && Math.abs(value) < beyondFloat32;

/** Far more than attention can be computed for; it bounds the memory that a line of ids takes. */
const mostIds = 2 ** 24;

/** Some hundred microseconds' worth. */
const tokensOfStep = 64;
const bracketsOfStep = 2 ** 10;

/** @param number of the line, counted from 1. @throws INVALID_FILE naming the line and the element or column */
export function* parseRow(line: Buffer, number: number, source: Source): Steps<JsonlRow> {
  const cursor = new LineCursor(line, { number, path: source.path });
  const isBare = cursor.peek() === '[';
  const row = isBare
    ? { name: null, fields: '', ...(yield* takeRows(cursor, source, 'rows')) }
    : yield* takeObject(cursor, source);
  cursor.takeEnd(isBare ? 'bracket' : 'brace');
  return row;
}

function* takeObject(cursor: LineCursor, source: Source): Steps<JsonlRow> {
  const { field = usualField } = source.fields ?? {};
  const seen = new Set<string>();
  const kept: string[] = [];
  let name: SequenceName = null;
  let content: Content | undefined;
  cursor.take('{');
  if (!cursor.skip('}')) {
    do {
      if (cursor.peek() !== '"') throw cursor.unexpected('a quoted key');
      const key = cursor.tryString() ?? (yield* cursor.takeString());
      passKey(cursor, key, seen);
      const isContent = key === field || (key === 'tokens' && source.embedding !== undefined);
      if (key === 'id') name = takeInteger(cursor) ?? cursor.tryString() ?? (yield* cursor.takeString());
      else if (!isContent) yield* keep(kept, key, cursor, source);
      else if (content !== undefined) throw cursor.invalid(`only one of \`${field}\` and \`tokens\``, 2, key);
      else content = key === field ? yield* takeRows(cursor, source, field) : yield* takeIds(cursor, source);
    } while (cursor.skip(','));
    cursor.take('}');
  }
  if (content === undefined) throw missing(cursor, field, seen);
  return { name, fields: kept.join(), ...content };
}

function missing(cursor: LineCursor, field: string, seen: ReadonlySet<string>): HeadpoolError {
  if (seen.has('tokens')) return cursor.invalid('an embedding table', undefined, 'tokens');
  const { message } = cursor.invalid(`\`${field}\` or \`tokens\``, undefined);
  const others = [...seen].filter((key) => key !== 'id' && key.length <= 80).slice(0, 5);
  const hint =
    others.length === 0 ? '' : `; \`--field\` can name another of its fields: ${others.join(', ')}`;
  return new HeadpoolError('INVALID_FILE', message + hint);
}

/** The colon and blanks after a key, which must not be `seen` yet. */
function passKey(cursor: LineCursor, key: string, seen: Set<string>): void {
  if (seen.has(key)) throw cursor.givenTwice(key);
  seen.add(key);
  cursor.take(':');
  cursor.peek();
}

function* keep(kept: string[], key: string, cursor: LineCursor, { fields }: Source): Steps<void> {
  const text = yield* cursor.takeValue();
  if (fields?.isKeepingOthers !== true) return;
  if (key === usualField) throw cursor.invalid('another name, since rows are written as `x`,', key, key);
  kept.push(`${JSON.stringify(key)}:${text()}`);
}

/** Of an id; undefined in front of a string. */
function takeInteger(cursor: LineCursor): number | undefined {
  if (cursor.peek() === '"') return undefined;
  const text = cursor.takeWord();
  const id = integerText.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(id)) return id;
  throw cursor.invalid('a string or an integer below 2^53', valueOf(text), 'id');
}

function* takeRows(cursor: LineCursor, { modelDim }: Source, field: string): Steps<Content> {
  if (cursor.peek() !== '[') {
    throw cursor.invalid(`rows of ${modelDim} numbers`, valueOf(cursor.takeWord()), field);
  }
  // Whether a run takes what isn't finite it says itself, of every format alike.
  const rule = { least: modelDim, most: modelDim, isRight: isFloat32, takesNonFinite: true };
  const wanted = { list: `a row of ${modelDim} numbers`, element: 'a number in the range of float32' };
  if (cursor.isFlatList()) {
    const row = yield* cursor.takeNumbers(field, rule, wanted);
    const fill = (target: Float32Array): void => {
      target.set(row);
    };
    return { length: 1, fill };
  }
  cursor.take('[');
  const rows = new Float32Array((yield* countRows(cursor, modelDim)) * modelDim);
  let length = 0;
  if (!cursor.skip(']')) {
    do {
      const row = cursor.tryNumbers(rule) ?? (yield* cursor.takeNumbers(`${field}[${length}]`, rule, wanted));
      rows.set(row, length * modelDim);
      length++;
      if (length % tokensOfStep === 0) yield;
    } while (cursor.skip(','));
    cursor.take(']');
  }
  const fill = (target: Float32Array): void => {
    target.set(rows.subarray(0, length * modelDim));
  };
  return { length, fill };
}

/** As many rows as can follow, going by their brackets and by the two bytes that a number and its comma take. */
function* countRows({ line, at }: LineCursor, modelDim: number): Steps<number> {
  const most = Math.floor((line.length - at) / (2 * modelDim + 1));
  let count = 0;
  let next = at;
  while (count < most && (next = line.indexOf(codes.bracket, next) + 1) > 0) {
    if (++count % bracketsOfStep === 0) yield;
  }
  return count;
}

function* takeIds(cursor: LineCursor, { embedding }: Source): Steps<Content> {
  if (embedding === undefined) throw cursor.invalid('an embedding table', undefined, 'tokens');
  const { vocabulary } = embedding;
  const isRight = (id: unknown) => Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocabulary;
  const most = Math.min(embedding.mostTokens, mostIds);
  const wanted = { list: `at most ${most} ids`, element: `an id from 0 to ${vocabulary - 1}` };
  const ids = yield* cursor.takeNumbers('tokens', { least: 0, most, isRight }, wanted);
  const fill = (target: Float32Array): void => {
    embedding.embed(ids, target);
  };
  return { length: ids.length, fill };
}
