// Puts a command's settings together: flag over environment over configuration file over default.
import { readFile } from 'node:fs/promises';
import type { isScalar as IsScalar, ParsedNode } from 'yaml';
import { describe, HeadpoolError } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';
import { fieldsOf, hintOf, parseText, variableOf, type Fields } from './fields.js';
import { checkSettings, type CommandName, type Misfit, type Settings } from './schemas.js';

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
  const said = await gather(fields, sources);
  // A setting named __proto__ stays a wrong name here, which an assignment would not make of it.
  const values = Object.fromEntries([...said].map(([field, { value }]) => [field, value]));
  const result = checkSettings(name, values);
  if ('settings' in result) return result.settings;
  throw refusalOf(result, fields, said);
}

async function gather(
  fields: Fields,
  { flags, environment, configPath }: SettingSources,
): Promise<ReadonlyMap<string, Said>> {
  const said = new Map<string, Said>();
  const fromFile = configPath === undefined ? {} : await loadConfig(configPath);
  for (const [field, value] of Object.entries(fromFile)) {
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

// Far more than settings need, and little enough to parse at once.
const mostBytes = 1_000_000;

/**
 * A configuration file: YAML (or JSON, which is YAML) holding one mapping.
 * @throws INVALID_CONFIG, naming the file and, for syntax, the line
 */
async function loadConfig(path: string): Promise<Readonly<Record<string, unknown>>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw invalid(path, `could not be read: ${(cause as Error).message}`, cause);
  }
  if (text.length > mostBytes)
    throw invalid(path, `expected at most ${mostBytes} characters, got ${text.length}`);
  // Loaded when there is something to parse: it takes longer than all that a run without it does first.
  const { default: yaml } = await import('yaml');
  let content: unknown;
  try {
    content = yaml.parse(text, { uniqueKeys: uniqueAmongFew(yaml.isScalar), maxAliasCount: 100 });
  } catch (cause) {
    // The message goes on with the line, and shows it.
    const problem = (cause as Error).message.replace(
      /^Map keys must be unique(?= at line)/,
      'expected each key once, got this one twice',
    );
    throw invalid(path, problem, cause);
  }
  // A file of comments only is an empty configuration.
  if (content === null || content === undefined) return {};
  if (typeof content !== 'object' || Array.isArray(content))
    throw invalid(path, 'expected a mapping of settings');
  return content as Record<string, unknown>;
}

// Of some 4,500 keys in one mapping.
const mostComparisons = 1e7;

/** What tells whether two keys are one. The parser asks it of each pair, which of very many takes minutes. */
function uniqueAmongFew(isScalar: typeof IsScalar): (a: ParsedNode, b: ParsedNode) => boolean {
  let count = 0;
  return (a, b) => {
    if (++count > mostComparisons) throw new Error('expected settings, got a mapping of thousands of keys');
    return a === b || (isScalar(a) && isScalar(b) && a.value === b.value);
  };
}

function invalid(path: string, problem: string, cause?: unknown): HeadpoolError {
  return new HeadpoolError('INVALID_CONFIG', `${path}: ${problem}`, { cause });
}
