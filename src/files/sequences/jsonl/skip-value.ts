// Passes over one value of JSON in a line, whatever it is, without keeping any of it. It doesn't recurse, so that
// nesting costs a bit a level.
import type { Steps } from '../../../core/steps.js';
import { codes, readLongString, readShortString, readString, skipBlanks } from './text.js';

const wordText =
  /(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null|NaN|-?Infinity)(?![\w.+-])/y;
const opens = { list: codes.opening, object: 0x7b } as const;
const colon = 0x3a;

/** Some hundred microseconds' worth. */
const partsOfStep = 256;

/** Where a value ends; or what should have been at a place. */
type Skipped = { readonly end: number } | { readonly wanted: string; readonly at: number };

/** Passes over the value at `begin` in steps, between which others may have their turns. */
export function* skipValue(line: Buffer, begin: number): Steps<Skipped> {
  /** The closing bytes that are to come, the next one last. */
  const closing: number[] = [];
  let at = skipBlanks(line, begin);
  for (let part = 1; ; part++) {
    if (part % partsOfStep === 0) yield;
    const byte = line[at];
    if (byte === opens.list || byte === opens.object) {
      const close = byte === opens.list ? codes.bracket : codes.brace;
      at = skipBlanks(line, at + 1);
      if (line[at] !== close) {
        closing.push(close);
        const key = close === codes.brace ? skipKey(line, at) : { end: at };
        if ('wanted' in key) return key;
        at = key.end;
        continue;
      }
      at++;
    } else {
      const scalar = line[at] === codes.quote ? yield* skipString(line, at) : skipWord(line, at);
      if ('wanted' in scalar) return scalar;
      at = scalar.end;
    }
    // After a value: its list or object goes on or ends, and so on outwards.
    for (;;) {
      const close = closing.at(-1);
      if (close === undefined) return { end: at };
      at = skipBlanks(line, at);
      if (line[at] === codes.comma) {
        const next = skipBlanks(line, at + 1);
        const key = close === codes.brace ? skipKey(line, next) : { end: next };
        if ('wanted' in key) return key;
        at = key.end;
        break;
      }
      if (line[at] !== close) return { wanted: `\`,\` or \`${String.fromCharCode(close)}\``, at };
      closing.pop();
      at++;
    }
  }
}

/** A key, its colon and the blanks around them. */
function skipKey(line: Buffer, begin: number): Skipped {
  if (line[begin] !== codes.quote) return { wanted: 'a quoted key', at: begin };
  const key = readString(line, begin);
  if ('wanted' in key) return { ...key, at: begin };
  const at = skipBlanks(line, key.end);
  return line[at] === colon ? { end: skipBlanks(line, at + 1) } : { wanted: '`:`', at };
}

function* skipString(line: Buffer, at: number): Steps<Skipped> {
  const string = readShortString(line, at) ?? (yield* readLongString(line, at));
  return 'wanted' in string ? { ...string, at } : string;
}

function skipWord(line: Buffer, at: number): Skipped {
  let end = at;
  while (end < line.length && !isDelimiter(line[end]!)) end++;
  const word = line.toString('latin1', at, end);
  wordText.lastIndex = 0;
  if (wordText.test(word) && wordText.lastIndex === word.length) return { end };
  return { wanted: 'a value of JSON', at };
}

function isDelimiter(byte: number): boolean {
  return byte <= 0x20 || byte === codes.comma || byte === codes.bracket || byte === codes.brace;
}
