// What the subcommands share: flags made from a command's settings, and settings made from what was given.
import type { Argv, ArgumentsCamelCase, Options } from 'yargs';
import { fieldsOf, flagOf, parseText, variableOf, type Field, type Fields } from '../config/fields.js';
import type { CommandName, Settings } from '../config/schemas.js';
import { resolveSettings } from '../config/settings.js';
import { HeadpoolError } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';
import type { EngineOptions } from '../engine/engine-options.js';

/** Flags that are no settings of a run: how to talk, not what to do. */
export interface CommonArgs {
  readonly config?: string;
  readonly json?: boolean;
}

/** As yargs takes them. */
export const commonFlags = {
  config: {
    type: 'string',
    requiresArg: true,
    description:
      'YAML file of settings; flags win over it, and its paths start from the working directory [path]',
  },
  json: { type: 'boolean', default: false, description: 'print one JSON object instead of text, errors too' },
} as const satisfies Record<string, Options>;

export const shortFlags: Readonly<Record<string, string>> = { input: 'i', output: 'o' };

/** Adds a flag for every setting of a command, but for the one that is its arguments. */
export function addFlags(yargs: Argv, name: CommandName): Argv<CommonArgs> {
  for (const [field, setting] of fieldsOf(name)) {
    if (setting.name === field) yargs.positional(field, { type: 'string', description: helpOf(setting) });
    else yargs.option(setting.name.slice(2), toFlag(field, setting));
  }
  return yargs
    .options(commonFlags)
    .group([...Object.keys(commonFlags), 'help', 'version'], 'Common:')
    .epilogue(
      `Each setting can also come from the configuration file or from the environment, e.g. ${variableOf('threads')}=2.`,
    ) as Argv<CommonArgs>;
}

/** The engine that the settings of a command ask for. */
export function engineOptionsOf({
  device,
  kernel,
  threads,
}: Pick<EngineOptions, 'device' | 'kernel'> & {
  readonly threads?: number | undefined;
}): EngineOptions {
  return {
    ...(device !== undefined && { device }),
    ...(kernel !== undefined && { kernel }),
    ...(threads !== undefined && { threads }),
  };
}

/**
 * The settings of one invocation.
 * @throws UNKNOWN_OPTION, INVALID_OPTION, INVALID_CONFIG
 */
export async function settingsOf<Name extends CommandName>(
  name: Name,
  args: ArgumentsCamelCase<CommonArgs>,
): Promise<Settings<Name>> {
  const fields = fieldsOf(name);
  refuseSurplus(args._, name);
  refuseUnknownFlags(args, fields);
  const flags = Object.fromEntries([...fields].map(([field, kind]) => [field, flagValue(args[field], kind)]));
  return resolveSettings(name, { flags, environment: process.env, configPath: args.config });
}

function toFlag(field: string, setting: Field): Options {
  const { kind } = setting;
  return {
    // Numbers have no type here: yargs would make NaN of what is none, and the schema could not say what it was.
    ...(kind !== 'number' && { type: kind === 'array' || kind === 'boolean' ? kind : 'string' }),
    ...(kind === 'array' && { string: true }),
    ...(kind !== 'boolean' && kind !== 'boolean or string' && { requiresArg: true }),
    description: helpOf(setting),
    group: `${setting.group}:`,
    alias: shortFlags[field] ?? [],
  };
}

/** What a setting is, then in brackets what it may be, and whether it is needed. */
function helpOf({ description, kind, expectation, isRequired, default: fallback }: Field): string {
  const type = kind === 'boolean' ? 'flag' : expectation.replace(/(?<=^|, )an? /g, '');
  const isShown = fallback !== undefined && fallback !== false && fallback !== '';
  const facts = [
    type,
    ...(isShown ? [`default: ${String(fallback)}`] : []),
    ...(isRequired ? ['required'] : []),
  ];
  return `${description} [${facts.join('; ')}]`;
}

function flagValue(value: unknown, field: Field): unknown {
  if (field.kind === 'array') return listOf(value);
  if (Array.isArray(value)) return flagValue(value.at(-1), field);
  if (field.kind === 'boolean or string' && value === '') return true;
  return typeof value === 'string' ? parseText(value, field) : value;
}

/** yargs gives one argument as a text where a flag says it, and none as an empty list. */
function listOf(value: unknown): unknown {
  if (Array.isArray(value) && value.length === 0) return undefined;
  return typeof value === 'string' ? [value] : value;
}

/** The command's name stands among them where flags stood before it. */
function refuseSurplus([first, second]: readonly (string | number)[], name: CommandName): void {
  const surplus = first === name ? second : first;
  if (surplus !== undefined) throw new HeadpoolError('UNKNOWN_OPTION', `Unexpected argument \`${surplus}\``);
}

function refuseUnknownFlags(args: ArgumentsCamelCase<CommonArgs>, fields: Fields): void {
  const names = [...fields.keys(), ...Object.keys(commonFlags), 'help', 'version'];
  const known = new Set([...names, ...Object.values(shortFlags), 'h', 'v']);
  for (const name of Object.keys(args)) {
    const field = name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (name === '_' || name === '$0' || known.has(field)) continue;
    const hint = didYouMean(flagOf(field), names.map(flagOf));
    throw new HeadpoolError('UNKNOWN_OPTION', `Unknown option \`${flagOf(field)}\`${hint}`);
  }
}
