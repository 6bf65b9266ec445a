// The commands as completion scripts need them: read from the schemas of their settings.
import { fieldsOf, type Field } from '../../config/fields.js';
import { argumentOf, type CommandName } from '../../config/schemas.js';
import { commonFlags, shortFlags } from '../command.js';

/** What follows a flag: nothing, a path, one of some words, or a text that no shell can guess. */
export type Expected = 'nothing' | 'path' | 'text' | readonly string[];

export interface DescribedFlag {
  /** With its dashes. */
  readonly name: string;
  readonly short: string | undefined;
  readonly description: string;
  readonly value: Expected;
  /** Whether the value is a list `a,b,…` of words. */
  readonly isCommaList: boolean;
  /** Whether the flag says something without a value. */
  readonly isOptional: boolean;
  /** Whether more than one value may follow. */
  readonly isOpen: boolean;
}

export interface DescribedCommand {
  readonly name: CommandName;
  readonly description: string;
  readonly flags: readonly DescribedFlag[];
  /** What it takes without a flag. */
  readonly argument: Expected;
}

export function describeCommand(name: CommandName, description: string): DescribedCommand {
  const fields = fieldsOf(name);
  const own = argumentOf[name];
  const flags = [...fields]
    .filter(([field]) => field !== own)
    .map(([field, setting]) => flagOf(field, setting));
  const argument = own === undefined ? 'nothing' : expectedOf(fields.get(own)!);
  return { name, description, flags: [...flags, ...everywhere], argument };
}

function flagOf(field: string, setting: Field): DescribedFlag {
  const { name, description, kind } = setting;
  return {
    ...{ name, short: dashed(shortFlags[field]), description: firstClause(description) },
    value: expectedOf(setting),
    isCommaList: kind === 'list',
    isOptional: kind === 'boolean or string',
    isOpen: kind === 'array',
  };
}

function expectedOf({ kind, words, isPath }: Field): Expected {
  if (kind === 'boolean') return 'nothing';
  return words.length > 0 ? words : isPath ? 'path' : 'text';
}

const once = { isCommaList: false, isOptional: false, isOpen: false };
const everywhere: readonly DescribedFlag[] = [
  {
    name: '--config',
    short: undefined,
    description: firstClause(commonFlags.config.description),
    value: 'path',
    ...once,
  },
  { name: '--json', short: undefined, description: commonFlags.json.description, value: 'nothing', ...once },
  { name: '--help', short: '-h', description: 'show help', value: 'nothing', ...once },
];

function dashed(letter: string | undefined): string | undefined {
  return letter === undefined ? undefined : `-${letter}`;
}

/** What is said before the first semicolon or bracket. */
function firstClause(description: string): string {
  return /^[^;([]*/.exec(description)![0].trim();
}

/** For a shell, in single quotes. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
