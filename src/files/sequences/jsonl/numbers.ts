// Lists of numbers inside a line. JSON.parse reads them, because nothing written in JavaScript is as fast; what would
// fill the memory is kept from it, and what it refuses is looked for element by element.
import type { Steps } from '../../../core/steps.js';
import { codes, findAny, nonFiniteWords, valueOf } from './text.js';

export interface ListRule {
  readonly least: number;
  readonly most: number;
  readonly isRight: (element: unknown) => boolean;
  /** Whether `NaN`, `Infinity` and `-Infinity` are right too. */
  readonly takesNonFinite?: boolean;
}

/** Where a list goes wrong: an element and what it is, another count of elements, or no closing bracket. */
export type ListFault =
  { readonly index: number; readonly value: unknown } | { readonly count: number } | 'open';

/** JSON.parse may have this much, or so much for each number, without a look at it before. */
const harmless = { bytes: 2 ** 18, bytesPerNumber: 32 };

const isOfNumbers = new Uint8Array(256);
for (const byte of Buffer.from('0123456789+-.eE, \t\r\nNaInfity')) isOfNumbers[byte] = 1;

interface NumberList {
  readonly numbers: readonly number[];
  /** Behind its bracket. */
  readonly end: number;
}

/** The list from the bracket at `begin` to the next one; undefined if it breaks the rule. */
export function* parseNumbers(line: Buffer, begin: number, rule: ListRule): Steps<NumberList | undefined> {
  const short = parseShortList(line, begin, rule);
  if (short !== undefined) return short;
  const end = line.indexOf(codes.bracket, begin) + 1;
  if (end - begin <= harmless.bytes) return undefined;
  return listOf(yield* parsePieces(line, { begin: begin + 1, end: end - 1 }, rule), end, rule);
}

/** The same; undefined also where it is too long to be parsed at once. */
export function parseShortList(line: Buffer, begin: number, rule: ListRule): NumberList | undefined {
  const end = line.indexOf(codes.bracket, begin) + 1;
  if (end === 0 || end - begin > harmless.bytes) return undefined;
  const isHarmless = end - begin <= harmless.bytesPerNumber * (rule.most + 1);
  if (!isHarmless && !isFlat(line.subarray(begin + 1, end - 1), rule.most)) return undefined;
  return listOf(parseList(line.toString('latin1', begin, end), rule), end, rule);
}

function listOf(
  numbers: readonly number[] | undefined,
  end: number,
  { least, most }: ListRule,
): NumberList | undefined {
  const isRight = numbers !== undefined && numbers.length >= least && numbers.length <= most;
  return isRight ? { numbers, end } : undefined;
}

/** Of many numbers, cut at commas, so that others have their turns between the pieces. */
function* parsePieces(
  line: Buffer,
  { begin, end }: { readonly begin: number; readonly end: number },
  rule: ListRule,
): Steps<number[] | undefined> {
  const numbers: number[] = [];
  for (let at = begin; at <= end;) {
    const comma = line.indexOf(codes.comma, at + harmless.bytes);
    const isLast = comma < 0 || comma >= end;
    const bytes = line.subarray(at, isLast ? end : comma);
    if (bytes.length > 2 * harmless.bytes && !isFlat(bytes, rule.most)) return undefined;
    const piece = parseList(`[${bytes.toString('latin1')}]`, rule);
    if (piece === undefined) return undefined;
    // Nothing but blanks: all there is, or between two commas, or a comma and the bracket.
    if (piece.length === 0 && (at > begin || !isLast)) return undefined;
    for (const number of piece) numbers.push(number);
    if (numbers.length > rule.most) return undefined;
    at += bytes.length + 1;
    yield;
  }
  return numbers;
}

/** JSON.parse, with the words for what JSON has no numbers for; undefined if an element breaks the rule. */
function parseList(text: string, { isRight, takesNonFinite = false }: ListRule): number[] | undefined {
  const isRightNumber = (value: unknown): value is number => isRight(value);
  try {
    if (!takesNonFinite || !wordStart.test(text)) {
      const values = JSON.parse(text) as unknown[];
      return values.every(isRightNumber) ? values : undefined;
    }
    const numbers: number[] = [];
    for (const element of text.slice(1, -1).split(',')) {
      const word = element.trim();
      const value = nonFiniteWords.has(word) ? undefined : (JSON.parse(word) as unknown);
      if (value !== undefined && !isRightNumber(value)) return undefined;
      numbers.push(value ?? Number(word));
    }
    return numbers;
  } catch {
    return undefined;
  }
}

const wordStart = /[NI]/;

/** Whether there is nothing but characters of numbers and of words for what is none, and commas for `most` at the most. */
function isFlat(bytes: Uint8Array, most: number): boolean {
  let commas = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (isOfNumbers[byte] === 0) return false;
    if (byte === codes.comma && ++commas >= most) return false;
  }
  return true;
}

/** Some hundred microseconds' worth. */
const elementsOfStep = 2 ** 9;

/** What is wrong first with the list at `begin`, which `parseNumbers` refused. */
export function* findFault(line: Buffer, begin: number, rule: ListRule): Steps<ListFault> {
  const { most, isRight, takesNonFinite = false } = rule;
  let at = begin + 1;
  for (let index = 0; ; index++) {
    const end = findAny(line, at, [codes.comma, codes.bracket]);
    if (index < most) {
      const text = line.toString('utf8', at, end);
      const isWord = takesNonFinite && nonFiniteWords.has(text.trim());
      const value = valueOf(text);
      if (value === undefined && index === 0 && line[end] === codes.bracket) return { count: 0 };
      if (!isWord && !isRight(value)) return { index, value };
    }
    if (end === line.length) return 'open';
    if (line[end] === codes.bracket) return { count: index + 1 };
    at = end + 1;
    if (index % elementsOfStep === 0) yield;
  }
}
