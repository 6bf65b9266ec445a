// headpool completion: a script by which a shell completes commands, flags, their words and paths, without starting us.
import type { CommandModule } from 'yargs';
import type { CommandName } from '../config/schemas.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import { formatBash } from './completion/bash.js';
import { describeCommand } from './completion/described.js';
import { formatFish } from './completion/fish.js';
import { formatZsh } from './completion/zsh.js';
import { print } from './terminal.js';

const formats = { bash: formatBash, zsh: formatZsh, fish: formatFish } as const;

/** @param commands all of them, this one too */
export function createCompletionCommand(
  commands: Readonly<Record<string, () => Promise<CommandModule>>>,
): CommandModule<object, CommonArgs> {
  return {
    command: 'completion [shell]',
    describe: 'Print a script that completes what is typed in bash, zsh or fish',
    builder: (yargs) => addFlags(yargs, 'completion').example(examples),
    handler: async (args) => {
      const { shell } = await settingsOf('completion', args);
      const described = Object.entries(commands).map(async ([name, load]) => {
        const { describe } = await load();
        return describeCommand(name as CommandName, String(describe));
      });
      print(formats[shell](await Promise.all(described)).trimEnd());
    },
  };
}

const examples: [string, string][] = [
  ['eval "$($0 completion bash)"', 'in ~/.bashrc; the same with zsh in ~/.zshrc, after compinit'],
  ['$0 completion fish | source', 'in ~/.config/fish/config.fish'],
];
