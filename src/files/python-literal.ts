// Reads the one piece of Python that a .npy header is: a dictionary of strings, booleans and tuples of integers.
// The grammar has no nesting beyond that, so nothing here recurses, and no other Python is understood.
import { invalidFile } from '../core/errors.js';
import { givenTwice, quoteName } from './field-name.js';

export type PythonValue = string | boolean | readonly number[];

const tokens = {
  blank: /[ \t\n\r]*/y,
  string: /'([^'\\\n]*)'|"([^"\\\n]*)"/y,
  word: /True|False/y,
  integer: /-?(?:0|[1-9][0-9]*)(?![0-9A-Za-z_.])/y,
};

/**
 * The entries of a dictionary literal that is the whole of `text`, up to blanks.
 * @throws INVALID_FILE naming the key whose value is not understood, or `header`
 */
export function parsePythonDict(text: string, path: string): Map<string, PythonValue> {
  const reader = new LiteralReader(text, path);
  const entries = new Map<string, PythonValue>();
  reader.take('{');
  while (!reader.skip('}')) {
    const key = reader.takeString();
    reader.take(':');
    if (entries.has(key)) throw givenTwice(path, quoteName(key));
    entries.set(key, reader.takeValue(key));
    if (!reader.skip(',')) {
      reader.take('}');
      break;
    }
  }
  reader.takeEnd();
  return entries;
}

class LiteralReader {
  readonly #text: string;
  readonly #path: string;
  #at = 0;

  constructor(text: string, path: string) {
    this.#text = text;
    this.#path = path;
  }

  skip(symbol: string): boolean {
    this.#match(tokens.blank);
    if (this.#text[this.#at] !== symbol) return false;
    this.#at++;
    return true;
  }

  take(symbol: string): void {
    if (!this.skip(symbol)) throw this.#unexpected(`\`${symbol}\``, 'header');
  }

  takeEnd(): void {
    this.#match(tokens.blank);
    if (this.#at < this.#text.length) throw this.#unexpected('nothing after the dictionary', 'header');
  }

  takeString(): string {
    this.#match(tokens.blank);
    const match = this.#match(tokens.string);
    if (match === null) throw this.#unexpected('a quoted key', 'header');
    return match[1] ?? match[2]!;
  }

  takeValue(key: string): PythonValue {
    if (this.skip('(')) return this.#takeIntegers(key);
    const string = this.#match(tokens.string);
    if (string !== null) return string[1] ?? string[2]!;
    const word = this.#match(tokens.word);
    if (word !== null) return word[0] === 'True';
    throw this.#unexpected('a string, True, False or a tuple of integers', key);
  }

  /** The rest of a tuple; `(3)` without a comma is an integer in Python and refused. */
  #takeIntegers(key: string): number[] {
    const integers: number[] = [];
    while (!this.skip(')')) {
      this.#match(tokens.blank);
      const match = this.#match(tokens.integer);
      if (match === null) throw this.#unexpected('a tuple of integers', key);
      integers.push(Number(match[0]));
      if (this.skip(',')) continue;
      if (integers.length === 1 || !this.skip(')')) throw this.#unexpected('a tuple of integers', key);
      break;
    }
    return integers;
  }

  #match(token: RegExp): RegExpExecArray | null {
    token.lastIndex = this.#at;
    const match = token.exec(this.#text);
    if (match !== null) this.#at = token.lastIndex;
    return match;
  }

  #unexpected(what: string, field: string): Error {
    return invalidFile(this.#path, what, field, this.#text.slice(this.#at, this.#at + 40));
  }
}
