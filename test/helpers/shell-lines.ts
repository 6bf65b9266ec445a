// The lines of shell in a page, and running them as a reader would: in bash, with the package installed.
import { execFile } from 'node:child_process';
import { delimiter, join } from 'node:path';
import type { Block } from './documents.js';

export interface Line {
  readonly block: Block;
  readonly text: string;
}

/** Lines of a block of shell, without comments. */
export function linesOf(block: Block): Line[] {
  return block.text
    .split('\n')
    .map((text) => text.replace(/(^|\s+)#(\s.*|$)/, '').trim())
    .filter((text) => text !== '')
    .map((text) => ({ block, text }));
}

/** Both streams of a line as a terminal shows them. Fails where the line ends with another code than `codes` has. */
export async function runLine(
  folder: string,
  { block, text }: Line,
  codes: readonly number[] = [0],
): Promise<string> {
  const path = [join(folder, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
  // On a socket as its input, which Node gives it, bash would read the user's .bashrc.
  const script = ['--norc', '-eo', 'pipefail', '-c', `{ ${text}\n} 2>&1`];
  return new Promise((resolve, reject) => {
    execFile('bash', script, { cwd: folder, env: { ...process.env, PATH: path } }, (error, stdout) => {
      const code = error === null ? 0 : Number(error.code);
      if (codes.includes(code)) resolve(stdout);
      else reject(new Error(`${block.page}:${block.line}: ${text}\nended with ${code}:\n${stdout}`));
    });
  });
}
