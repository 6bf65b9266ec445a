// Shells that complete a line by a script, each in the way that it does for whoever types.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { packageRoot } from './package-root.js';

export type Shell = 'bash' | 'zsh' | 'fish';

/** Why a shell can't be asked; undefined where it can. */
export function problemOf(shell: Shell): string | undefined {
  return spawnSync(shell, ['--version']).error === undefined ? undefined : `there is no ${shell}`;
}

// With the words as bash gives them: `--flag=value` is three.
const bashProgram = `
  source "$1"
  COMP_WORDS=("\${@:2}")
  COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
  [[ $(complete -p headpool) == 'complete -F _headpool headpool' ]] && _headpool
  printf '%s\\n' "\${COMPREPLY[@]}"
`;

/** What is offered for the end of the line. */
export function completeInBash(script: string, line: string, where: string): string[] {
  const words = line.replaceAll('=', ' = ').split(' ');
  const trimmed = line.endsWith('=') ? words.slice(0, -1) : words;
  return linesOf('bash', ['--norc', '-c', bashProgram, 'bash', script, ...trimmed], where);
}

export function completeInFish(script: string, line: string, where: string): string[] {
  const program = 'source $argv[1]; complete -C $argv[2]';
  const offered = linesOf('fish', ['--no-config', '-c', program, script, line], where);
  return offered.map((one) => one.split('\t')[0]!);
}

const zshProgram = fileURLToPath(new URL('test/helpers/complete.zsh', packageRoot()));

/** The lines after the tabulator was pressed at their ends. */
export function completeInZsh(script: string, lines: readonly string[], where: string): string[] {
  return linesOf('zsh', ['-f', zshProgram, script, ...lines], where);
}

function linesOf(shell: Shell, args: readonly string[], where: string): string[] {
  const { stdout, stderr, status } = spawnSync(shell, args, {
    cwd: where,
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`${shell} ended with ${String(status)}: ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}
