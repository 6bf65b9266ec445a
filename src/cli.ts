#!/usr/bin/env node
// The command line: wires the subcommands to yargs, and hands what they throw to who reports it. No computation.
import { setFlagsFromString } from 'node:v8';
import yargs, { type Argv, type CommandModule } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { isJsonAsked, readWords } from './commands/arguments.js';
import { reportError } from './commands/report-error.js';
import { version } from './engine/version.js';
import { fileFailed, HeadpoolError } from './core/errors.js';
import { checkNames } from './core/suggest.js';

// Loaded when asked for: what one command needs would make every other one start later.
const commands: Readonly<Record<string, () => Promise<CommandModule>>> = {
  run: async () => plain((await import('./commands/run.js')).runCommand),
  explain: async () => plain((await import('./commands/explain.js')).explainCommand),
  layers: async () => plain((await import('./commands/layers.js')).layersCommand),
  verify: async () => plain((await import('./commands/verify.js')).verifyCommand),
  info: async () => plain((await import('./commands/info.js')).infoCommand),
  scale: async () => plain((await import('./commands/scale.js')).scaleCommand),
  bench: async () => plain((await import('./commands/bench.js')).benchCommand),
  shards: async () => plain((await import('./commands/shards.js')).shardsCommand),
  merge: async () => plain((await import('./commands/merge.js')).mergeCommand),
  submit: async () => plain((await import('./commands/submit.js')).submitCommand),
  work: async () => plain((await import('./commands/work.js')).workCommand),
  status: async () => plain((await import('./commands/status.js')).statusCommand),
  cancel: async () => plain((await import('./commands/cancel.js')).cancelCommand),
  'make-sequences': async () => plain((await import('./commands/make-sequences.js')).makeSequencesCommand),
  'make-weights': async () => plain((await import('./commands/make-weights.js')).makeWeightsCommand),
  completion: async () => plain((await import('./commands/completion.js')).createCompletionCommand(commands)),
};

// Node 20 has fused multiply-adds in WebAssembly behind a flag, later versions always. The command owns its process,
// so it may set the flag; the library leaves that to its host.
if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd');

// Without a listener an error of standard output would end the process with a stack.
process.stdout.on('error', (error) => {
  reportOnce(fileFailed('standard output', 'write', error));
});

const words = readWords(hideBin(process.argv));

try {
  await (await createProgram(words)).parseAsync();
} catch (error) {
  reportOnce(error);
}

/** A failing standard output fails the run as well: one of both errors says it. */
function reportOnce(error: unknown): void {
  if (process.exitCode !== undefined && isOfOutput(error)) return;
  reportError(error, isJsonAsked(words));
}

function isOfOutput(error: unknown): boolean {
  return error instanceof HeadpoolError && error.message.startsWith('standard output: ');
}

async function createProgram(words: readonly string[]): Promise<Argv> {
  const [first = '', ...rest] = words;
  const load = Object.hasOwn(commands, first) ? commands[first] : undefined;
  if (load === undefined) return createOverview(words);
  const command = await load();
  // As the default command: before a named one runs, yargs lays out the help of it, which takes longer than all the rest.
  return createParser(rest)
    .usage(`$0 ${String(command.command)}\n\n${String(command.describe)}`)
    .command({ ...command, command: String(command.command).replace(first, '$0') });
}

/** Its types lack this one. */
interface Parser extends Argv {
  usageConfiguration(options: { readonly 'hide-types': boolean }): Argv;
}

/** For help, and for guessing what was meant. */
async function createOverview(words: readonly string[]): Promise<Argv> {
  const [first = '-'] = words;
  if (!first.startsWith('-')) checkNames('command', { [first]: true }, Object.keys(commands));
  const isVersion = ['--version', '-v'].includes(first);
  const all = isVersion ? [] : await Promise.all(Object.values(commands).map((load) => load()));
  return createParser(words)
    .usage('$0 <command>\n\nMulti-head attention as a parallel compute engine.')
    .command(all)
    .demandCommand(1, 'Name a command, for example `headpool run --help`')
    .strictCommands();
}

function createParser(words: readonly string[]): Argv {
  return (
    (yargs([...words]) as Parser)
      // Schemas tell more of a setting than yargs knows.
      .usageConfiguration({ 'hide-types': true })
      .scriptName('headpool')
      // What we say is English, so what yargs says may not be something else.
      .locale('en')
      .version(version)
      .help()
      .alias({ help: 'h', version: 'v' })
      .wrap(Math.min(110, process.stdout.columns || 110))
      .fail((message, error) => {
        // yargs gives one of the two, whatever its types say; of its own errors, both.
        const thrown = error as Error | undefined;
        if (thrown !== undefined && thrown.name !== 'YError') throw thrown;
        const problem = (message || thrown!.message).replace(
          /^Not enough arguments following: (.+)$/,
          'Expected a value after `--$1`',
        );
        throw new HeadpoolError('INVALID_OPTION', problem);
      })
  );
}

/** A command among others, whose arguments yargs checks. */
function plain<Args>(command: CommandModule<object, Args>): CommandModule {
  return command as unknown as CommandModule;
}
