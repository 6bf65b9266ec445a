// A place in one line of JSON that moves on, and the errors that name it: by line and field, or by line and column,
// which counts bytes from 1.
import type { Steps } from '../../../core/steps.js';
import { invalidFile, type HeadpoolError } from '../../../core/errors.js';
import { givenTwice } from '../../field-name.js';
import { findFault, parseNumbers, parseShortList, type ListRule } from './numbers.js';
import { skipValue } from './skip-value.js';
import {
  codes,
  findAny,
  readLongString,
  readShortString,
  skipBlanks,
  valueOf,
  type StringRead,
} from './text.js';

/** What a list and its elements should be, for messages. */
export interface Wanted {
  readonly list: string;
  readonly element: string;
}

export class LineCursor {
  readonly line: Buffer;
  readonly #number: number;
  readonly #path: string;
  #at = 0;

  /** @param number of the line, counted from 1 */
  constructor(line: Buffer, { number, path }: { number: number; path: string }) {
    this.line = line;
    this.#number = number;
    this.#path = path;
  }

  /** Bytes before it. */
  get at(): number {
    return this.#at;
  }

  /** The next character that isn't blank; '' at the end. */
  peek(): string {
    this.#at = skipBlanks(this.line, this.#at);
    return this.#at < this.line.length ? String.fromCharCode(this.line[this.#at]!) : '';
  }

  /** Whether `symbol` comes next, which is passed then. */
  skip(symbol: string): boolean {
    if (this.peek() !== symbol) return false;
    this.#at++;
    return true;
  }

  /** @throws INVALID_FILE unless `symbol` comes next */
  take(symbol: string): void {
    if (!this.skip(symbol)) throw this.unexpected(`\`${symbol}\``);
  }

  /** @throws INVALID_FILE unless nothing but blanks is left */
  takeEnd(closing: 'brace' | 'bracket'): void {
    if (this.peek() !== '') throw this.unexpected(`nothing after the closing ${closing}`);
  }

  /** Passes over any value; its text can be had while the line is there. @throws INVALID_FILE if it is no JSON */
  *takeValue(): Steps<() => string> {
    const begin = this.#at;
    const value = yield* skipValue(this.line, begin);
    if ('wanted' in value) {
      this.#at = value.at;
      throw this.unexpected(value.wanted);
    }
    this.#at = value.end;
    return () => this.line.toString('utf8', begin, value.end);
  }

  /** Whether the list that comes next has something else than lists in it. */
  isFlatList(): boolean {
    const inner = skipBlanks(this.line, skipBlanks(this.line, this.#at) + 1);
    return (
      inner < this.line.length && this.line[inner] !== codes.opening && this.line[inner] !== codes.bracket
    );
  }

  /** The string that begins here, where it is short enough to be read at once. */
  tryString(): string | undefined {
    const string = readShortString(this.line, this.#at);
    return string && this.#pass(string);
  }

  *takeString(): Steps<string> {
    return this.#pass(yield* readLongString(this.line, this.#at));
  }

  /** The text of a value that is neither string nor list nor object. */
  takeWord(): string {
    const begin = this.#at;
    this.#at = findAny(this.line, begin, [codes.comma, codes.bracket, codes.brace]);
    return this.line.toString('utf8', begin, this.#at).trim();
  }

  /** Numbers in brackets, where they keep the rule and are few enough to be taken at once. */
  tryNumbers(rule: ListRule): readonly number[] | undefined {
    if (this.peek() !== '[') return undefined;
    const list = parseShortList(this.line, this.#at, rule);
    if (list !== undefined) this.#at = list.end;
    return list?.numbers;
  }

  /** Any numbers in brackets. @throws INVALID_FILE naming the element of `field` that breaks the rule */
  *takeNumbers(field: string, rule: ListRule, wanted: Wanted): Steps<readonly number[]> {
    if (this.peek() !== '[') throw this.invalid(wanted.list, valueOf(this.takeWord()), field);
    const list = yield* parseNumbers(this.line, this.#at, rule);
    if (list !== undefined) {
      this.#at = list.end;
      return list.numbers;
    }
    const fault = yield* findFault(this.line, this.#at, rule);
    if (fault === 'open') throw this.invalid('`]`', undefined, field);
    if ('count' in fault) throw this.invalid(wanted.list, fault.count, field);
    throw this.invalid(wanted.element, fault.value, `${field}[${fault.index}]`);
  }

  /** @param field default the line itself */
  invalid(what: string, value: unknown, field?: string): HeadpoolError {
    return invalidFile(this.#path, what, this.#place(field), value);
  }

  givenTwice(field: string): HeadpoolError {
    return givenTwice(this.#path, this.#place(field));
  }

  unexpected(what: string): HeadpoolError {
    const text = this.line.toString('utf8', this.#at, this.#at + 40);
    return this.invalid(what, text === '' ? undefined : text, `column ${this.#at + 1}`);
  }

  #pass(string: StringRead): string {
    if ('wanted' in string) throw this.unexpected(string.wanted);
    this.#at = string.end;
    return string.value;
  }

  #place(field?: string): string {
    const line = `line ${this.#number}`;
    return field === undefined ? line : `${line}, ${field}`;
  }
}
