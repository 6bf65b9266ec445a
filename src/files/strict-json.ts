// JSON as the header of a safetensors file may use it. Unlike JSON.parse, which keeps the last of two equal keys and
// rounds what it can't hold, this refuses duplicate keys, fractions, integers from 2^53 on and deep nesting.
import { invalidFile } from '../core/errors.js';
import { givenTwice, quoteName } from './field-name.js';

export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | ReadonlyMap<string, JsonValue>;

/** Enough for header -> tensor -> list, with room for what a message should still describe. */
const deepest = 8;

const integerToken = /-?(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
const loneSurrogate = /\p{Surrogate}/u;

const code = { tab: 9, newline: 10, return: 13, space: 32, quote: 34, backslash: 92 };

/**
 * The members of the object that is the whole of `text`, up to blanks, one after another; of those before only the keys
 * are kept. Objects in them become Maps, so that no key is special.
 * @throws INVALID_FILE naming the path of keys at which the text goes wrong
 */
export function readStrictObject(text: string, path: string): Generator<readonly [string, JsonValue]> {
  return new StrictParser(text, path).read();
}

class StrictParser {
  readonly #text: string;
  readonly #path: string;
  /** The keys that lead to the value being read, for messages. */
  readonly #keys: string[] = [];
  #at = 0;

  constructor(text: string, path: string) {
    this.#text = text;
    this.#path = path;
  }

  *read(): Generator<readonly [string, JsonValue]> {
    const keys = new Set<string>();
    this.#skipBlanks();
    if (this.#text[this.#at] !== '{') throw this.#unexpected('an object');
    for (const member of this.#members(0, keys)) {
      keys.add(member[0]);
      yield member;
    }
    this.#skipBlanks();
    if (this.#at < this.#text.length) throw this.#unexpected('nothing after the closing brace');
  }

  #parseValue(depth: number): JsonValue {
    if (depth > deepest) throw this.#unexpected(`at most ${deepest} levels of nesting`);
    this.#skipBlanks();
    switch (this.#text.charAt(this.#at)) {
      case '{':
        return this.#parseObject(depth);
      case '[':
        return this.#parseArray(depth);
      case '"':
        return this.#parseString();
      case 't':
        return this.#parseWord('true', true);
      case 'f':
        return this.#parseWord('false', false);
      case 'n':
        return this.#parseWord('null', null);
      default:
        return this.#parseInteger();
    }
  }

  #parseObject(depth: number): Map<string, JsonValue> {
    const entries = new Map<string, JsonValue>();
    for (const [key, value] of this.#members(depth, entries)) entries.set(key, value);
    return entries;
  }

  /** @param before tells which keys there were */
  *#members(depth: number, before: { has(key: string): boolean }): Generator<readonly [string, JsonValue]> {
    this.#at++;
    if (this.#skip('}')) return;
    do {
      this.#skipBlanks();
      if (this.#text[this.#at] !== '"') throw this.#unexpected('a quoted key');
      const key = this.#parseString();
      this.#keys.push(key);
      if (before.has(key)) throw givenTwice(this.#path, this.#field());
      if (!this.#skip(':')) throw this.#unexpected('`:`');
      yield [key, this.#parseValue(depth + 1)];
      this.#keys.pop();
    } while (this.#skip(','));
    if (!this.#skip('}')) throw this.#unexpected('`,` or `}`');
  }

  #parseArray(depth: number): JsonValue[] {
    const values: JsonValue[] = [];
    this.#at++;
    if (this.#skip(']')) return values;
    do values.push(this.#parseValue(depth + 1));
    while (this.#skip(','));
    if (!this.#skip(']')) throw this.#unexpected('`,` or `]`');
    return values;
  }

  #parseString(): string {
    const start = this.#at;
    let hasEscapes = false;
    for (let at = start + 1; at < this.#text.length; at++) {
      const character = this.#text.charCodeAt(at);
      if (character < code.space) break;
      if (character === code.backslash) {
        hasEscapes = true;
        at++;
      } else if (character === code.quote) {
        this.#at = at + 1;
        return hasEscapes ? this.#unescape(start) : this.#text.slice(start + 1, at);
      }
    }
    throw this.#unexpected('a string that ends, without control characters');
  }

  #unescape(start: number): string {
    const literal = this.#text.slice(start, this.#at);
    try {
      const string = JSON.parse(literal) as string;
      if (!loneSurrogate.test(string)) return string;
    } catch {
      // The message below says it for both.
    }
    throw invalidFile(this.#path, 'a string with valid escapes', this.#field(), literal);
  }

  #parseInteger(): number {
    integerToken.lastIndex = this.#at;
    const isInteger = integerToken.test(this.#text);
    const value = isInteger ? Number(this.#text.slice(this.#at, integerToken.lastIndex)) : NaN;
    if (!Number.isSafeInteger(value)) throw this.#unexpected('a value, numbers as integers below 2^53');
    this.#at = integerToken.lastIndex;
    return value;
  }

  #parseWord<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected('a value');
    this.#at += word.length;
    return value;
  }

  #skip(symbol: string): boolean {
    this.#skipBlanks();
    if (this.#text[this.#at] !== symbol) return false;
    this.#at++;
    return true;
  }

  #skipBlanks(): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text.charCodeAt(this.#at);
      if (character > code.space) return;
      if (character === code.space || character === code.newline) continue;
      if (character !== code.return && character !== code.tab) return;
    }
  }

  #field(): string {
    return this.#keys.map(quoteName).join('.') || 'header';
  }

  #unexpected(what: string): Error {
    return invalidFile(this.#path, what, this.#field(), this.#text.slice(this.#at, this.#at + 40));
  }
}
