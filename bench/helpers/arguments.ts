// The arguments that benchmarks share: `--json` and numbers with defaults, as `--seconds 10`.
import { parseArgs } from 'node:util';

/** Reads `--json` and one number per name in `defaults` from the command line; refuses everything else. */
export function readArguments<Name extends string>(
  defaults: Readonly<Record<Name, number>>,
): Readonly<Record<Name, number>> & { readonly json: boolean } {
  const names = Object.keys(defaults) as Name[];
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      ...Object.fromEntries(names.map((name) => [name, { type: 'string' } as const])),
    },
  });
  const given = values as Readonly<Partial<Record<Name, string>>>;
  const numbers: Record<Name, number> = { ...defaults };
  for (const name of names) {
    const text = given[name];
    if (text === undefined) continue;
    numbers[name] = Number(text);
    if (!(numbers[name] > 0)) throw new RangeError(`Expected a number > 0 for --${name}, got ${text}`);
  }
  return { ...numbers, json: values.json };
}
