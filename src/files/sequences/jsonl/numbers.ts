// Lists of numbers inside a line. JSON.parse reads them, because nothing written in JavaScript is as fast; what would
// fill the memory is kept from it, and what it refuses is looked for element by element.
import { codes, findAny, valueOf } from './text.js';

export interface ListRule {
  readonly least: number;
  readonly most: number;
  readonly isRight: (element: unknown) => boolean;
}

/** Where a list goes wrong: an element and what it is, another count of elements, or no closing bracket. */
export type ListFault =
  { readonly index: number; readonly value: unknown } | { readonly count: number } | 'open';

/** JSON.parse may have this much, or so much for each number, without a look at it before. */
const harmless = { bytes: 2 ** 20, bytesPerNumber: 32 };

const isOfNumbers = new Uint8Array(256);
for (const byte of Buffer.from('0123456789+-.eE, \t\r\n')) isOfNumbers[byte] = 1;

/** The list from the bracket at `begin` to the next one, and what follows; undefined if it breaks the rule. */
export function parseNumbers(
  line: Buffer,
  begin: number,
  { least, most, isRight }: ListRule,
): { readonly numbers: readonly number[]; readonly end: number } | undefined {
  const end = line.indexOf(codes.bracket, begin) + 1;
  if (end === 0) return undefined;
  const isHarmless = end - begin <= Math.min(harmless.bytes, harmless.bytesPerNumber * (most + 1));
  if (!isHarmless && !isFlat(line.subarray(begin + 1, end - 1), most)) return undefined;
  try {
    const values = JSON.parse(line.toString('latin1', begin, end)) as unknown[];
    if (values.length < least || values.length > most || !values.every(isRight)) return undefined;
    return { numbers: values as number[], end };
  } catch {
    return undefined;
  }
}

/** Whether there is nothing but characters of numbers, and commas for `most` at the most. */
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
export function findFault(line: Buffer, begin: number, { most, isRight }: ListRule): ListFault {
  let at = begin + 1;
  for (let index = 0; ; index++) {
    const end = findAny(line, at, [codes.comma, codes.bracket]);
    if (index < most) {
      const value = valueOf(line.toString('utf8', at, end));
      if (value === undefined && index === 0 && line[end] === codes.bracket) return { count: 0 };
      if (!isRight(value)) return { index, value };
    }
    if (end === line.length) return 'open';
    if (line[end] === codes.bracket) return { count: index + 1 };
    at = end + 1;
  }
}
