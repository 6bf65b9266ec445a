// The arguments that benchmarks share: `--json`, and by the type of their defaults numbers (`--seconds 10`), words
// (`--kernel wasm`), lists (`--cases a,b`) and switches (`--all`).
import { parseArgs } from 'node:util';

type Defaults = Readonly<Record<string, number | string | boolean | readonly string[]>>;

type Values<D extends Defaults> = {
  readonly [Name in keyof D]: D[Name] extends number
    ? number
    : D[Name] extends string
      ? string
      : D[Name] extends boolean
        ? boolean
        : readonly string[];
};

/** Reads `--json` and one argument per name in `defaults` from the command line; refuses everything else. */
export function readArguments<D extends Defaults>(defaults: D): Values<D> & { readonly json: boolean } {
  const known = { ...defaults, json: false };
  const options = Object.entries(known).map(([name, value]) => [
    name,
    { type: typeof value === 'boolean' ? ('boolean' as const) : ('string' as const) },
  ]);
  const { values } = parseArgs({ options: Object.fromEntries(options) as Record<string, OptionType> });
  const read = Object.entries(known).map(([name, value]) => [name, parse(name, values[name], value)]);
  return Object.fromEntries(read) as Values<D> & { readonly json: boolean };
}

interface OptionType {
  readonly type: 'boolean' | 'string';
}

function parse(name: string, given: unknown, byDefault: Defaults[string]): Defaults[string] {
  if (given === undefined) return byDefault;
  if (typeof given !== 'string') return true;
  if (typeof byDefault === 'string') return given;
  if (typeof byDefault !== 'number') return given.split(',');
  const number = Number(given);
  if (!(number > 0)) throw new RangeError(`Expected a number > 0 for --${name}, got ${given}`);
  return number;
}
