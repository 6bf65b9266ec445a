#!/usr/bin/env node
// The command line: wires the subcommands to yargs and turns errors into messages and exit codes. No computation.
import { setFlagsFromString } from 'node:v8';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { explainCommand } from './commands/explain.js';
import { infoCommand } from './commands/info.js';
import { makeSequencesCommand } from './commands/make-sequences.js';
import { makeWeightsCommand } from './commands/make-weights.js';
import { runCommand } from './commands/run.js';
import { Stopped } from './commands/stop-signals.js';
import { verifyCommand } from './commands/verify.js';
import { version } from './engine/version.js';
import { HeadpoolError, type ErrorCode } from './errors.js';

const exitCodes = { failed: 1, usage: 2 } as const;

// What the caller got wrong before any work; everything else is a failure.
const usageErrors: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'INVALID_OPTION',
  'UNKNOWN_OPTION',
  'INVALID_CONFIG',
  'KERNEL_UNAVAILABLE',
]);

// Node 20 has fused multiply-adds in WebAssembly behind a flag, later versions always. The command owns its process,
// so it may set the flag; the library leaves that to its host.
if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd');

// Whoever reads our output may stop reading, as `head` does; that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await yargs(joinDashes(hideBin(process.argv)))
    .scriptName('headpool')
    .usage('$0 <command>\n\nMulti-head attention as a parallel compute engine.')
    .command(runCommand)
    .command(explainCommand)
    .command(verifyCommand)
    .command(infoCommand)
    .command(makeSequencesCommand)
    .command(makeWeightsCommand)
    .demandCommand(1, 'Name a command, for example `headpool run --help`')
    .strictCommands()
    .recommendCommands()
    .version(version)
    .help()
    .wrap(Math.min(110, process.stdout.columns || 110))
    .fail((message, error) => {
      // yargs gives one of the two, whatever its types say; of its own errors, both.
      const thrown = error as Error | undefined;
      if (thrown !== undefined && thrown.name !== 'YError') throw thrown;
      throw new HeadpoolError('INVALID_OPTION', message || thrown!.message);
    })
    .parseAsync();
} catch (error) {
  reportError(error);
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
  } else if (error instanceof HeadpoolError) {
    console.error(`headpool: ${error.message}`);
    process.exitCode = usageErrors.has(error.code) ? exitCodes.usage : exitCodes.failed;
  } else {
    // Not an error that we raise on purpose: the stack is what helps.
    console.error(error);
    process.exitCode = exitCodes.failed;
  }
}
