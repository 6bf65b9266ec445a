// Lists of numbers inside a line. JSON.parse reads them, because nothing written in JavaScript is as fast; what would
// fill the memory is kept from it, and what it refuses is looked for element by element.
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
const harmless = { bytes: 2 ** 20, bytesPerNumber: 32 };

const isOfNumbers = new Uint8Array(256);
for (const byte of Buffer.from('0123456789+-.eE, \t\r\nNaInfity')) isOfNumbers[byte] = 1;

/** The list from the bracket at `begin` to the next one, and what follows; undefined if it breaks the rule. */
export function parseNumbers(
  line: Buffer,
  begin: number,
  rule: ListRule,
): { readonly numbers: readonly number[]; readonly end: number } | undefined {
  const { least, most } = rule;
  const end = line.indexOf(codes.bracket, begin) + 1;
  if (end === 0) return undefined;
  const isHarmless = end - begin <= Math.min(harmless.bytes, harmless.bytesPerNumber * (most + 1));
  if (!isHarmless && !isFlat(line.subarray(begin + 1, end - 1), most)) return undefined;
  try {
    const numbers = parseList(line.toString('latin1', begin, end), rule);
    if (numbers === undefined || numbers.length < least || numbers.length > most) return undefined;
    return { numbers, end };
  } catch {
    return undefined;
  }
}

/** JSON.parse, with the words for what JSON has no numbers for; undefined if an element breaks the rule. */
function parseList(text: string, { isRight, takesNonFinite = false }: ListRule): number[] | undefined {
  const isRightNumber = (value: unknown): value is number => isRight(value);
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

/** What is wrong first with the list at `begin`, which `parseNumbers` refused. */
export function findFault(line: Buffer, begin: number, rule: ListRule): ListFault {
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
  }
}
