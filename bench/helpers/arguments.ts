// The arguments of benchmarks: `--json`, `--help`, and by the type of their defaults numbers (`--seconds 10`), words
// (`--kernel wasm`), lists (`--cases a,b`) and switches (`--all`).
import yargs, { type Options } from 'yargs';
import { hideBin } from 'yargs/helpers';

type Value = number | string | boolean | readonly string[];

type Widened<V> = V extends number
  ? number
  : V extends string
    ? string
    : V extends boolean
      ? boolean
      : readonly string[];

/** What flags of a name mean, whichever benchmark has them. */
const meanings = {
  all: 'run cases that take long, too',
  batchTokens: 'tokens of a chunk',
  bytes: 'size of the file, such as 4GiB',
  cases: 'some of the cases: a,b',
  folder: 'where files go; default: among the temporary ones',
  json: 'print one JSON object instead of text',
  kernel: 'which kernel computes',
  longest: 'tokens of the longest sequence',
  pairs: 'pairs at least',
  peer: 'some of the peers: a,b',
  repetitions: 'how often each is started',
  rounds: 'processes of each side',
  rows: 'some of the rows: a,b',
  seconds: 'how long each is measured',
  sequences: 'how many there are',
  servers: 'URLs of the servers: a,b',
  shortest: 'tokens of the shortest sequence',
  smallBytes: 'size of the file to compare with',
  threads: 'worker threads',
  tokens: 'tokens of the sequence',
} as const satisfies Record<string, string>;

type Name = keyof typeof meanings;

const usageError = 2;

/**
 * Reads `--json` and one argument per name in `defaults` from the command line. Where something else is there, or a
 * number that isn't > 0, says so in one line and ends the process; so does `--help`.
 * @param purpose what the benchmark shows, for its help
 */
export function readArguments<D extends Readonly<Partial<Record<Name, Value>>>>(
  purpose: string,
  defaults: D,
): { readonly [Key in keyof D]: Widened<D[Key]> } & { readonly json: boolean } {
  const known = { ...defaults, json: false };
  const parser = yargs(hideBin(process.argv))
    .usage(`$0 [options]\n\n${purpose}`)
    .locale('en')
    .version(false)
    .parserConfiguration({ 'camel-case-expansion': false })
    .strict()
    .fail((message: string | null, error?: Error) => refuse(message ?? error!.message));
  for (const [name, value] of Object.entries(known)) parser.option(name, optionOf(name as Name, value));
  // Lists that aren't given aren't coerced.
  const lists = Object.entries(known).filter(([, value]) => typeof value === 'object');
  return { ...Object.fromEntries(lists), ...withoutMissing(parser.parseSync()) } as never;
}

function withoutMissing(given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Says in one line what is wrong with the arguments, and ends the process. */
export function refuse(message: string): never {
  console.error(message);
  process.exit(usageError);
}

function optionOf(name: Name, value: Value): Options {
  const description = meanings[name];
  if (typeof value === 'boolean') return { type: 'boolean', default: value, description };
  const common = { type: 'string', requiresArg: true, description } as const;
  if (typeof value === 'string') return { ...common, default: value };
  if (typeof value !== 'number')
    return { ...common, coerce: (given: string) => given.split(','), defaultDescription: 'all' };
  return { ...common, default: String(value), coerce: (given: string) => readNumber(name, given) };
}

/** @throws RangeError */
function readNumber(name: string, given: string): number {
  if (Number(given) > 0) return Number(given);
  throw new RangeError(`Expected a number > 0 for --${name}, got ${given}`);
}
