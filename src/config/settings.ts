// Puts a command's settings together: flag over environment over configuration file over default.
import { describe, HeadpoolError, type ErrorCode } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';
import { fieldsOf, type Field } from './fields.js';
import { loadConfig } from './load.js';
import { checkSettings, type CommandName, type Settings } from './schemas.js';

export interface SettingSources {
  /** What the command line said, by setting; undefined where it said nothing. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly configPath: string | undefined;
}

/**
 * @throws INVALID_CONFIG for a configuration file, INVALID_OPTION or UNKNOWN_OPTION for a flag or a variable; the
 * message says where the wrong value came from
 */
export async function resolveSettings<Name extends CommandName>(
  name: Name,
  { flags, environment, configPath }: SettingSources,
): Promise<Settings<Name>> {
  const fields = fieldsOf(name);
  const fromFile = configPath === undefined ? {} : await loadConfig(configPath);
  const origins = new Map<string, string>();
  const values: Record<string, unknown> = {};
  const take = (field: string, value: unknown, origin: string): void => {
    // Not an assignment: a setting named __proto__ must stay a wrong name.
    Object.defineProperty(values, field, { value, enumerable: true, configurable: true });
    origins.set(field, origin);
  };
  for (const [field, value] of Object.entries(fromFile)) take(field, value, `\`${field}\` in ${configPath}`);
  for (const [field, kind] of fields) {
    const variable = variableOf(field);
    const text = environment[variable];
    if (text !== undefined) take(field, parseText(text, kind), `\`${variable}\``);
  }
  for (const [field, value] of Object.entries(flags)) {
    if (value !== undefined) take(field, value, `\`${flagOf(field)}\``);
  }

  const result = checkSettings(name, values);
  if ('settings' in result) return result.settings;
  if ('unknown' in result) {
    const { unknown } = result;
    const origin = origins.get(unknown) ?? unknown;
    const code = codeOf(origin, 'UNKNOWN_OPTION');
    throw new HeadpoolError(code, `Unknown setting ${origin}${didYouMean(unknown, fields.keys())}`);
  }
  if ('excluding' in result) {
    const [one, other] = result.excluding;
    const origin = origins.get(other)!;
    const message = `${origins.get(one)!} and ${origin} can't be given together`;
    throw new HeadpoolError(codeOf(origin, 'INVALID_OPTION'), message);
  }
  const { description, expectation: ofField } = fields.get(result.field)!;
  const origin = origins.get(result.field);
  if (origin === undefined) {
    throw new HeadpoolError('INVALID_OPTION', `Expected \`${flagOf(result.field)}\`: ${description}`);
  }
  const { expectation = ofField } = result;
  const value = values[result.field];
  const message = `Expected ${expectation} for ${origin}, got ${describe(value)}${hintOf(value, fields.get(result.field)!)}`;
  throw new HeadpoolError(codeOf(origin, 'INVALID_OPTION'), message);

  function codeOf(where: string, otherwise: ErrorCode): ErrorCode {
    return configPath !== undefined && where.endsWith(`in ${configPath}`) ? 'INVALID_CONFIG' : otherwise;
  }
}

/** `--batch-tokens` of `batchTokens`. */
export function flagOf(field: string): string {
  return `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `HEADPOOL_BATCH_TOKENS` of `batchTokens`. */
export function variableOf(field: string): string {
  return `HEADPOOL_${field.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** The text of a flag or a variable as its field's kind of value; text that doesn't fit stays text, for the schema to refuse. */
export function parseText(text: string, { kind }: Field): unknown {
  switch (kind) {
    case 'number':
      return parseNumber(text);
    case 'numbers': {
      const numbers = text.split(',').map(parseNumber);
      return numbers.every((number) => typeof number === 'number') ? numbers : text;
    }
    case 'list':
      return text.split(',').map((element) => parseBoolean(parseNumber(element)));
    case 'boolean':
    case 'boolean or string':
      return parseBoolean(text);
    case 'array':
      return text.split(',');
    case 'string':
      return text;
    default:
      return kind satisfies never;
  }
}

/** What the first wrong word was probably meant to be. */
function hintOf(value: unknown, { choices = [], elements }: Field): string {
  const words = [...choices, ...elements];
  const given: readonly unknown[] = Array.isArray(value) ? value : [value];
  const wrong = given.find((word) => typeof word === 'string' && !words.includes(word));
  return typeof wrong === 'string' ? didYouMean(wrong, words) : '';
}

function parseBoolean<T>(value: T): T | boolean {
  return value === 'true' ? true : value === 'false' ? false : value;
}

function parseNumber(text: string): number | string {
  return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
}
