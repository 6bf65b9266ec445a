#!/usr/bin/env node
// The command line: wires the subcommands to yargs and turns errors into messages and exit codes. No computation.
import { setFlagsFromString } from 'node:v8';
import yargs, { type Argv, type CommandModule } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { Stopped } from './commands/stop-signals.js';
import { version } from './engine/version.js';
import { fileFailed, HeadpoolError, type ErrorCode } from './core/errors.js';
import { systemCodeOf } from './files/attempt.js';

// Loaded when asked for: what one command needs would make every other one start later.
const commands: Readonly<Record<string, () => Promise<CommandModule>>> = {
  run: async () => plain((await import('./commands/run.js')).runCommand),
  explain: async () => plain((await import('./commands/explain.js')).explainCommand),
  layers: async () => plain((await import('./commands/layers.js')).layersCommand),
  verify: async () => plain((await import('./commands/verify.js')).verifyCommand),
  info: async () => plain((await import('./commands/info.js')).infoCommand),
  scale: async () => plain((await import('./commands/scale.js')).scaleCommand),
  bench: async () => plain((await import('./commands/bench.js')).benchCommand),
  'make-sequences': async () => plain((await import('./commands/make-sequences.js')).makeSequencesCommand),
  'make-weights': async () => plain((await import('./commands/make-weights.js')).makeWeightsCommand),
};

const exitCodes = { failed: 1, usage: 2, brokenPipe: 141 } as const;

// What the caller got wrong before any work; everything else is a failure.
const usageErrors: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'INVALID_OPTION',
  'UNKNOWN_OPTION',
  'INVALID_CONFIG',
  'KERNEL_UNAVAILABLE',
  'DEVICE_UNAVAILABLE',
]);

// Node 20 has fused multiply-adds in WebAssembly behind a flag, later versions always. The command owns its process,
// so it may set the flag; the library leaves that to its host.
if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd');

// Without a listener an error of standard output would end the process with a stack.
process.stdout.on('error', (error) => {
  reportOnce(fileFailed('standard output', 'write', error));
});

const args = joinDashes(hideBin(process.argv));

try {
  await (await createProgram(args)).parseAsync();
} catch (error) {
  reportOnce(error);
}

/** A failing standard output fails the run as well: one of both errors says it. */
function reportOnce(error: unknown): void {
  if (process.exitCode !== undefined && isOfOutput(error)) return;
  reportError(error);
}

function isOfOutput(error: unknown): boolean {
  return error instanceof HeadpoolError && error.message.startsWith('standard output: ');
}

async function createProgram(args: readonly string[]): Promise<Argv> {
  const [first = '', ...rest] = args;
  const load = Object.hasOwn(commands, first) ? commands[first] : undefined;
  if (load === undefined) return createOverview(args);
  const command = await load();
  // As the default command: before a named one runs, yargs lays out the help of it, which takes longer than all the rest.
  return createParser(rest)
    .usage(`$0 ${String(command.command)}\n\n${String(command.describe)}`)
    .command({ ...command, command: String(command.command).replace(first, '$0') });
}

/** For help, and for guessing what was meant. */
async function createOverview(args: readonly string[]): Promise<Argv> {
  const all = args[0] === '--version' ? [] : await Promise.all(Object.values(commands).map((load) => load()));
  return createParser(args)
    .usage('$0 <command>\n\nMulti-head attention as a parallel compute engine.')
    .command(all)
    .demandCommand(1, 'Name a command, for example `headpool run --help`')
    .strictCommands()
    .recommendCommands();
}

function createParser(args: readonly string[]): Argv {
  return (
    yargs([...args])
      .scriptName('headpool')
      // What we say is English, so what yargs says may not be something else.
      .locale('en')
      .version(version)
      .help()
      .wrap(Math.min(110, process.stdout.columns || 110))
      .fail((message, error) => {
        // yargs gives one of the two, whatever its types say; of its own errors, both.
        const thrown = error as Error | undefined;
        if (thrown !== undefined && thrown.name !== 'YError') throw thrown;
        throw new HeadpoolError('INVALID_OPTION', message || thrown!.message);
      })
  );
}

/** A command among others, whose arguments yargs checks. */
function plain<Args>(command: CommandModule<object, Args>): CommandModule {
  return command as unknown as CommandModule;
}

/** Whoever reads our data may stop, as `head` does: no failure to talk about, but not all was delivered. */
function isBrokenPipe(error: unknown): boolean {
  return error instanceof HeadpoolError && systemCodeOf(error) === 'EPIPE';
}

/** `-i -` as `-i=-`: yargs takes a dash behind a flag of several values for the next flag. */
function joinDashes(args: readonly string[]): string[] {
  return args.flatMap((arg, index) => {
    if (arg === '-' && args[index - 1]?.startsWith('-') === true) return [];
    return args[index + 1] === '-' && arg.startsWith('-') ? [`${arg}=-`] : [arg];
  });
}

function reportError(error: unknown): void {
  if (error instanceof Stopped) {
    // The exit code was set with the signal.
    console.error(`headpool: ${error.message}`);
  } else if (isBrokenPipe(error)) {
    process.exitCode = exitCodes.brokenPipe;
  } else if (error instanceof HeadpoolError) {
    console.error(`headpool: ${error.message}`);
    process.exitCode = usageErrors.has(error.code) ? exitCodes.usage : exitCodes.failed;
  } else {
    // Not an error that we raise on purpose: the stack is what helps.
    console.error(error);
    process.exitCode = exitCodes.failed;
  }
}
