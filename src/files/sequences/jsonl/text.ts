// The small parts of a line of JSON, read from its bytes: blanks, strings, and single values for messages.

export const codes = {
  comma: 0x2c,
  opening: 0x5b,
  bracket: 0x5d,
  brace: 0x7d,
  quote: 0x22,
  backslash: 0x5c,
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

/** The string whose opening quote is at `begin`, and what follows it; or what it should have been. */
export function readString(
  line: Uint8Array,
  begin: number,
): { readonly value: string; readonly end: number } | { readonly wanted: string } {
  let close = begin + 1;
  while (close < line.length && line[close] !== codes.quote) close += line[close] === codes.backslash ? 2 : 1;
  if (close >= line.length) return { wanted: 'a string that ends' };
  const end = close + 1;
  let literal: string;
  try {
    literal = utf8.decode(line.subarray(begin, end));
  } catch {
    return { wanted: 'valid UTF-8' };
  }
  try {
    const value = JSON.parse(literal) as string;
    if (!loneSurrogate.test(value)) return { value, end };
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
