// The small parts of a line of JSON, read from its bytes: blanks, strings, and single values for messages.
import { finish, type Steps } from '../../../core/steps.js';

export const codes = {
  comma: 0x2c,
  opening: 0x5b,
  bracket: 0x5d,
  brace: 0x7d,
  quote: 0x22,
  backslash: 0x5c,
  d: 0x64,
  u: 0x75,
} as const;

// Keeps a byte order mark inside a string, where it is a character like others.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const loneSurrogate = /\p{Surrogate}/u;

/** The first position from `at` on that holds none of JSON's four blanks. */
export function skipBlanks(line: Uint8Array, at: number): number {
  for (; at < line.length; at++) {
    const byte = line[at]!;
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d && byte !== 0x0a) break;
  }
  return at;
}

/** The first position from `at` on that holds one of `bytes`, or the line's length. */
export function findAny(line: Uint8Array, at: number, bytes: readonly number[]): number {
  while (at < line.length && !bytes.includes(line[at]!)) at++;
  return at;
}

type Wanted = { readonly wanted: string };
export type StringRead = { readonly value: string; readonly end: number } | Wanted;

/** Of a string, in bytes: what is longer is read in pieces, between which others may have their turns. */
const longestPiece = 2 ** 18;

/** The string whose opening quote is at `begin`, and what follows it; or what it should have been. */
export function readString(line: Uint8Array, begin: number): StringRead {
  return readShortString(line, begin) ?? finish(readLongString(line, begin));
}

/** The same; undefined of a string that is longer than a piece. */
export function readShortString(line: Uint8Array, begin: number): StringRead | undefined {
  const piece = findPiece(line, begin + 1);
  if (piece === undefined) return { wanted: 'a string that ends' };
  if (!piece.isLast) return undefined;
  const value = parsePiece(line.subarray(begin + 1, piece.end));
  return typeof value === 'string' ? { value, end: piece.end + 1 } : value;
}

/** The same of any string. */
export function* readLongString(line: Uint8Array, begin: number): Steps<StringRead> {
  let value = '';
  for (let at = begin + 1; ;) {
    const piece = findPiece(line, at);
    if (piece === undefined) return { wanted: 'a string that ends' };
    const read = parsePiece(line.subarray(at, piece.end));
    if (typeof read !== 'string') return read;
    value += read;
    if (piece.isLast) return { value, end: piece.end + 1 };
    at = piece.end;
    yield;
  }
}

/** Where a piece of a string from `begin` on ends: at its closing quote, or where a character begins. */
function findPiece(
  line: Uint8Array,
  begin: number,
): { readonly end: number; readonly isLast: boolean } | undefined {
  for (let at = begin; at < line.length; at += line[at] === codes.backslash ? 2 : 1) {
    if (line[at] === codes.quote) return { end: at, isLast: true };
    if (at - begin >= longestPiece && isBetween(line, at)) return { end: at, isLast: false };
  }
  return undefined;
}

/** Whether `at` lies neither inside a character or the four digits of one, nor in the middle of a pair of these. */
function isBetween(line: Uint8Array, at: number): boolean {
  if ((line[at]! & 0xc0) === 0x80) return false;
  for (let digits = 0; digits < 4; digits++) if (isEscape(line, at - 2 - digits)) return false;
  return !(isEscape(line, at) && isEscape(line, at - 6) && (line[at - 4]! | 0x20) === codes.d);
}

function isEscape(line: Uint8Array, at: number): boolean {
  return line[at] === codes.backslash && line[at + 1] === codes.u;
}

function parsePiece(bytes: Uint8Array): string | Wanted {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { wanted: 'valid UTF-8' };
  }
  try {
    const value = JSON.parse(`"${text}"`) as string;
    if (!loneSurrogate.test(value)) return value;
  } catch {
    // The answer below says it for both.
  }
  return { wanted: 'a string with valid escapes and without control characters' };
}

/** Numbers that JSON has no text for, as Python's json module writes and reads them. */
export const nonFiniteWords: ReadonlySet<string> = new Set(['NaN', 'Infinity', '-Infinity']);

/** The value of `text`; its beginning where it has none, and undefined if it is blank. */
export function valueOf(text: string): unknown {
  const shown = text.trim().slice(0, 80);
  // Deep nesting would fill the memory; a number may be as long as it likes.
  if (text.length > 1000 && !isOfNumber(text)) return shown;
  try {
    return JSON.parse(text);
  } catch {
    return shown === '' ? undefined : shown;
  }
}

function isOfNumber(text: string): boolean {
  return !/[^-+.0-9eE\s]/.test(text);
}
