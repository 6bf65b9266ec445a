// The settings of a command one by one, as flags, the environment and messages need them; read from its JSON Schema.
import { didYouMean } from '../core/suggest.js';
import { argumentOf, jsonSchemaOf, type CommandName } from './schemas.js';

/** One setting as JSON Schema tells it; what yargs, the environment and editors need to know. */
export interface Field {
  /** What messages call it: its flag, or its own name where it is an argument without one. */
  readonly name: string;
  readonly description: string;
  /** The title that help shows it under. */
  readonly group: string;
  readonly isRequired: boolean;
  /** Whether its texts are paths. */
  readonly isPath: boolean;
  readonly kind: 'string' | 'number' | 'boolean' | 'array' | 'numbers' | 'list' | 'boolean or string';
  /** Those that it, or an element of a list, may be. */
  readonly words: readonly string[];
  readonly default: string | number | boolean | readonly unknown[] | undefined;
  /** What a message says was expected. */
  readonly expectation: string;
}

export type Fields = ReadonlyMap<string, Field>;

const read = new Map<CommandName, Fields>();

/** The settings of a command by name. */
export function fieldsOf(name: CommandName): Fields {
  const fields = read.get(name) ?? readFields(name);
  read.set(name, fields);
  return fields;
}

function readFields(name: CommandName): Fields {
  const { properties: found = {}, required = [] } = jsonSchemaOf(name);
  const properties = found as Readonly<Record<string, JsonProperty>>;
  return new Map(
    Object.entries(properties).map(([field, given]) => {
      const property = listOf(given);
      const { description = '', group = 'Settings', items, default: fallback } = property;
      const told = { description, group, words: wordsOf(items ?? property), default: fallback };
      const found = {
        name: argumentOf[name] === field ? field : flagOf(field),
        isRequired: required.includes(field),
        isPath: (items ?? property).title === 'path',
        kind: kindOf(property),
        expectation: expectationOf(property),
      };
      return [field, { ...told, ...found }];
    }),
  );
}

interface JsonProperty {
  readonly type?: 'string' | 'number' | 'integer' | 'boolean' | 'array';
  readonly description?: string;
  readonly group?: string;
  /** What a text is, if not just any. */
  readonly title?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly JsonProperty[];
  readonly items?: JsonProperty;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
  readonly default?: string | number | boolean | readonly unknown[];
}

/** A list that may also be its only element, as the list. */
function listOf(property: JsonProperty): JsonProperty {
  const { anyOf = [], ...others } = property;
  const list = anyOf.find(({ type }) => type === 'array');
  return list === undefined ? property : { ...others, ...list };
}

function kindOf({ type, anyOf, items }: JsonProperty): Field['kind'] {
  if (anyOf !== undefined)
    return anyOf.some(({ type }) => type === 'boolean') ? 'boolean or string' : 'string';
  if (type === 'array') return kindOfList(items);
  return type === 'integer' ? 'number' : (type ?? 'string');
}

/** Texts without words to choose from are paths, which may hold commas. */
function kindOfList({ type, enum: words }: JsonProperty = {}): Field['kind'] {
  if (type === 'number') return 'numbers';
  return type === 'string' && words === undefined ? 'array' : 'list';
}

function wordsOf({ type, enum: words = [], anyOf = [] }: JsonProperty): readonly string[] {
  return type === 'boolean' ? ['true', 'false'] : [...words, ...anyOf.flatMap(wordsOf)];
}

function expectationOf(property: JsonProperty): string {
  const { type, enum: choices, anyOf, items, minimum, exclusiveMinimum, maximum, multipleOf } = property;
  if (anyOf !== undefined) return anyOf.map(expectationOf).join(', ');
  if (choices !== undefined) return choices.join(', ');
  switch (type) {
    case 'integer':
      // Zod bounds every integer by what a double can count to.
      return `an ${multipleOf === 2 ? 'even ' : ''}integer ${maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? `>= ${minimum ?? 0}` : `from ${minimum ?? 0} to ${maximum}`}`;
    case 'number':
      return exclusiveMinimum === undefined ? 'a number' : `a number > ${exclusiveMinimum}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return expectationOfList(items);
    case 'string':
    case undefined:
      if (property.title !== undefined) return `a ${property.title}`;
      return property.pattern === undefined ? 'text' : 'a size such as 500MB or 2GiB';
    default:
      return type satisfies never;
  }
}

function expectationOfList(items: JsonProperty = {}): string {
  const kind = kindOfList(items);
  if (kind !== 'list') return `a list of ${kind === 'numbers' ? 'numbers' : `${items.title ?? 'text'}s`}`;
  const several = expectationOf(items)
    .replace(/\ban (even )?integer\b/, '$1integers')
    .replace('true or', 'true and');
  return `a list of ${several}`;
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

function parseBoolean<T>(value: T): T | boolean {
  return value === 'true' ? true : value === 'false' ? false : value;
}

function parseNumber(text: string): number | string {
  return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
}

/** What the first wrong word was probably meant to be. */
export function hintOf(value: unknown, { words }: Field): string {
  const given: readonly unknown[] = Array.isArray(value) ? value : [value];
  const wrong = given.find((word) => typeof word === 'string' && !words.includes(word));
  return typeof wrong === 'string' ? didYouMean(wrong, words) : '';
}
