// JSON.parse in steps: long lists and objects are cut between their elements, and JSON.parse reads the pieces.
import type { Steps } from '../core/steps.js';

/** In characters, which JSON.parse reads in a millisecond. */
const usualPiece = 2 ** 17;

/** Of long values in one another, each of which is looked at anew. Files of models have two. */
const deepest = 32;

const blanks = /[ \t\r\n]*/y;
const codes = { quote: 0x22, comma: 0x2c, backslash: 0x5c } as const;
const opening: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const closing: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** What JSON.parse makes of `text`. @throws SyntaxError */
export function* parseJson(text: string, pieceLength = usualPiece): Steps<unknown> {
  const reader = new PieceReader(text, pieceLength);
  if (text.length <= pieceLength || !reader.isAtContainer) return JSON.parse(text) as unknown;
  const value = yield* reader.readContainer(1);
  reader.takeEnd();
  return value;
}

class PieceReader {
  readonly #text: string;
  readonly #pieceLength: number;
  #at = 0;

  constructor(text: string, pieceLength: number) {
    this.#text = text;
    this.#pieceLength = pieceLength;
    this.#skipBlanks();
  }

  get isAtContainer(): boolean {
    return opening.has(this.#text.charCodeAt(this.#at));
  }

  takeEnd(): void {
    this.#skipBlanks();
    if (this.#at < this.#text.length) throw this.#unexpected();
  }

  /** The list or object that begins here. */
  *readContainer(depth: number): Steps<unknown> {
    if (depth > deepest) throw new SyntaxError(`long values are nested more than ${deepest} times`);
    const isList = this.#text[this.#at++] === '[';
    const list: unknown[] = [];
    const object: Record<string, unknown> = {};
    const takePiece = (begin: number, end: number): number => {
      const piece = this.#parse(begin, end, isList);
      if (Array.isArray(piece)) return append(list, piece);
      const members = Object.entries(piece as object);
      for (const [key, value] of members) setOwn(object, key, value);
      return members.length;
    };
    for (let isFirst = true; ; isFirst = false) {
      this.#skipBlanks();
      const begin = this.#at;
      const { end, isLong } = this.#findPiece();
      // What has nothing in it is no element, but for an empty list or object.
      const isEmpty = end >= begin && takePiece(begin, end) === 0;
      if (isLong) {
        this.#at = Math.max(begin, end + 1);
        if (isEmpty) throw this.#unexpected();
        if (isList) list.push(yield* this.#readLong(depth));
        else setOwn(object, this.#takeKey(), yield* this.#readLong(depth));
        this.#skipBlanks();
      } else {
        this.#at = end;
        if (isEmpty && !(isFirst && this.#text.charCodeAt(end) !== codes.comma)) throw this.#unexpected();
      }
      yield;
      const mark = this.#text[this.#at];
      if (mark === (isList ? ']' : '}')) {
        this.#at++;
        return isList ? list : object;
      }
      if (mark !== ',') throw this.#unexpected();
      this.#at++;
    }
  }

  /** A value that is longer than a piece. */
  *#readLong(depth: number): Steps<unknown> {
    this.#skipBlanks();
    if (this.isAtContainer) return yield* this.readContainer(depth + 1);
    const begin = this.#at;
    this.#at = this.#findEnd(begin, Infinity)!;
    if (this.#at === begin) throw this.#unexpected();
    return (this.#parse(begin, this.#at, true) as unknown[])[0];
  }

  #takeKey(): string {
    this.#skipBlanks();
    const begin = this.#at;
    if (this.#text.charCodeAt(begin) !== codes.quote) throw this.#unexpected();
    this.#at = this.#endOfString(begin) + 1;
    const [key] = this.#parse(begin, this.#at, true) as [string];
    this.#skipBlanks();
    if (this.#text[this.#at] !== ':') throw this.#unexpected();
    this.#at++;
    return key;
  }

  /** Whole elements from here on: where they end, or the comma in front of one that is too long for a piece. */
  #findPiece(): { readonly end: number; readonly isLong: boolean } {
    const begin = this.#at;
    for (let at = begin; ;) {
      const end = this.#findEnd(at, this.#pieceLength);
      if (end === undefined) return { end: at - 1, isLong: true };
      if (this.#text.charCodeAt(end) !== codes.comma || end - begin >= this.#pieceLength)
        return { end, isLong: false };
      at = end + 1;
    }
  }

  /** Where the element at `begin` ends: at a comma or a closing bracket; undefined if it is longer than `most`. */
  #findEnd(begin: number, most: number): number | undefined {
    let depth = 0;
    for (let at = begin; at < this.#text.length; at++) {
      if (at - begin > most) return undefined;
      const character = this.#text.charCodeAt(at);
      if (character === codes.quote) at = this.#endOfString(at);
      else if (character === codes.comma && depth === 0) return at;
      else if (opening.has(character)) depth++;
      else if (closing.has(character) && depth-- === 0) return at;
    }
    throw new SyntaxError('Unexpected end of JSON input');
  }

  /** Of its closing quote. */
  #endOfString(begin: number): number {
    for (let at = begin + 1; at < this.#text.length; at++) {
      const character = this.#text.charCodeAt(at);
      if (character === codes.quote) return at;
      if (character === codes.backslash) at++;
    }
    throw new SyntaxError('Unterminated string in JSON');
  }

  #parse(begin: number, end: number, isList: boolean): unknown {
    const elements = this.#text.slice(begin, end);
    try {
      return JSON.parse(isList ? `[${elements}]` : `{${elements}}`);
    } catch (cause) {
      const message = `${(cause as Error).message}, in what begins at character ${begin}`;
      throw new SyntaxError(message, { cause });
    }
  }

  #skipBlanks(): void {
    blanks.lastIndex = this.#at;
    blanks.test(this.#text);
    this.#at = blanks.lastIndex;
  }

  #unexpected(): SyntaxError {
    const found = this.#text.slice(this.#at, this.#at + 1);
    return new SyntaxError(
      `Unexpected ${found === '' ? 'end' : `token ${found}`} in JSON at position ${this.#at}`,
    );
  }
}

function append(list: unknown[], elements: readonly unknown[]): number {
  for (const element of elements) list.push(element);
  return elements.length;
}

/** A key may be `__proto__`, which an assignment takes for something else. */
function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true }); // prettier-ignore
  else object[key] = value;
}
