// All that the command says to people and programs, on standard output and standard error. Names come from files and may
// hold control characters: they are shown as \x1b, and never reach a terminal.
import { styleText } from 'node:util';

/** Text, or text that stands out where a terminal has colours (NO_COLOR and FORCE_COLOR say otherwise). */
export type Piece = string | { readonly style: Parameters<typeof styleText>[0]; readonly text: string };

/** A line or several to standard output. */
export function print(text: string | readonly Piece[]): void {
  console.log(render(text, process.stdout));
}

/** A line or several to standard error: log, progress and errors. */
export function printNote(text: string | readonly Piece[]): void {
  console.error(render(text, process.stderr));
}

/** What went wrong. */
export function printFailure(message: string): void {
  printNote([{ style: 'red', text: 'headpool:' }, ` ${message}`]);
}

/** A table whose first line is its header. */
export function printTable(text: string): void {
  const end = text.indexOf('\n');
  print([{ style: 'bold', text: text.slice(0, end) }, text.slice(end)]);
}

/** One object on one line, on standard output. */
export function printJson(value: object, replacer?: (name: string, field: unknown) => unknown): void {
  console.log(toJsonLine(value, replacer));
}

/** JSON escapes some control characters by itself. */
export function toJsonLine(value: object, replacer?: Parameters<typeof printJson>[1]): string {
  return JSON.stringify(value, replacer).replace(controls, (character) => `\\u${hexOf(character, 4)}`);
}

/** Every control character but line breaks and tabs, and what turns the direction of writing, as an escape. */
export function escapeControls(text: string): string {
  return text.replace(controls, (character) =>
    character <= '\xff' ? `\\x${hexOf(character, 2)}` : `\\u${hexOf(character, 4)}`,
  );
}

const controls = /[^\P{Cc}\n\t]|\p{Bidi_Control}/gu;

function hexOf(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0');
}

function render(text: string | readonly Piece[], stream: NodeJS.WriteStream): string {
  const parts = [text].flat().map((piece) => {
    if (typeof piece === 'string') return escapeControls(piece);
    return styleText(piece.style, escapeControls(piece.text), { stream });
  });
  return parts.join('');
}
