// Puts a command's settings together: flag over environment over configuration file over default.
import { describe, HeadpoolError } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';
import { loadConfig } from './config-file.js';
import { fieldsOf, hintOf, parseText, variableOf, type Fields } from './fields.js';
import { checkSettings, readsConfigOf, type CommandName, type Misfit, type Settings } from './schemas.js';

export interface SettingSources {
  /** What the command line said, by setting; undefined where it said nothing. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly configPath: string | undefined;
}

interface Said {
  readonly value: unknown;
  /** Where it was said, as messages name it. */
  readonly origin: string;
  readonly isInFile?: boolean;
}

/**
 * @throws INVALID_CONFIG for a configuration file, INVALID_OPTION or UNKNOWN_OPTION for a flag or a variable; the
 * message says where the wrong value came from
 */
export async function resolveSettings<Name extends CommandName>(
  name: Name,
  sources: SettingSources,
): Promise<Settings<Name>> {
  const fields = fieldsOf(name);
  const said = await gather(fields, sources, foreignOf(name, fields));
  // A setting named __proto__ stays a wrong name here, which an assignment would not make of it.
  const values = Object.fromEntries([...said].map(([field, { value }]) => [field, value]));
  const result = checkSettings(name, values);
  if ('settings' in result) return result.settings;
  throw refusalOf(result, fields, said);
}

/** Settings of a configuration file that are another command's, and not this one's. */
function foreignOf(name: CommandName, fields: Fields): ReadonlySet<string> {
  const other = readsConfigOf[name];
  const names = other === undefined ? [] : [...fieldsOf(other).keys()];
  return new Set(names.filter((field) => !fields.has(field)));
}

async function gather(
  fields: Fields,
  { flags, environment, configPath }: SettingSources,
  foreign: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Said>> {
  const said = new Map<string, Said>();
  const fromFile = configPath === undefined ? {} : await loadConfig(configPath);
  for (const [field, value] of Object.entries(fromFile)) {
    if (foreign.has(field)) continue;
    said.set(field, { value, origin: `\`${field}\` in ${configPath!}`, isInFile: true });
  }
  for (const [field, kind] of fields) {
    const text = environment[variableOf(field)];
    if (text !== undefined)
      said.set(field, { value: parseText(text, kind), origin: `\`${variableOf(field)}\`` });
  }
  for (const [field, value] of Object.entries(flags)) {
    const name = fields.get(field)?.name ?? field;
    if (value !== undefined) said.set(field, { value, origin: `\`${name}\`` });
  }
  return said;
}

function refusalOf(misfit: Misfit, fields: Fields, said: ReadonlyMap<string, Said>): HeadpoolError {
  if ('unknown' in misfit) {
    const { origin, isInFile = false } = said.get(misfit.unknown)!;
    const hint = didYouMean(misfit.unknown, fields.keys());
    return new HeadpoolError(
      isInFile ? 'INVALID_CONFIG' : 'UNKNOWN_OPTION',
      `Unknown setting ${origin}${hint}`,
    );
  }
  const field = fields.get(misfit.field)!;
  const given = said.get(misfit.field);
  if (given === undefined) {
    return new HeadpoolError('INVALID_OPTION', `Expected \`${field.name}\`: ${field.description}`);
  }
  const { value, origin, isInFile = false } = given;
  const code = isInFile ? 'INVALID_CONFIG' : 'INVALID_OPTION';
  if ('needs' in misfit) {
    return new HeadpoolError(code, `${origin} needs \`${fields.get(misfit.needs)!.name}\``);
  }
  if ('excludes' in misfit) {
    const other = said.get(misfit.excludes)!;
    return new HeadpoolError(code, `${origin} and ${other.origin} can't be used together`);
  }
  const { expectation = field.expectation } = misfit;
  const message = `Expected ${expectation} for ${origin}, got ${describe(value)}${hintOf(value, field)}`;
  return new HeadpoolError(code, message);
}
