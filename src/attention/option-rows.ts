// The table of options read row by row: what is checked by it, which options look at positions, and which are settings.
import { expected } from '../core/errors.js';
import { checkOf, type OptionRow } from './option-kinds.js';
import {
  optionTable,
  type AttentionOptions,
  type Groups,
  type OptionAt,
  type OptionPath,
} from './options.js';

type OptionName = keyof AttentionOptions;

/** A row of the table, whole and with its place: an option, or a field of one. */
export interface PlacedRow extends OptionRow {
  readonly path: string;
  readonly name: OptionName;
  readonly field: string | undefined;
  readonly choices: readonly string[];
  readonly isNeeded: boolean;
  readonly positional: boolean;
}

// All rows have the same fields: calls walk through them, and objects of many shapes are slow to read.
const blank = {
  choices: [],
  range: undefined,
  isNeeded: false,
  default: undefined,
  none: undefined,
  positional: false,
  flag: undefined,
  help: undefined,
};

export const optionRows = Object.entries(optionTable).map(([path, row]): PlacedRow => {
  const [name, field] = path.split('.') as [OptionName, string?];
  return { ...blank, ...row, path, name, field };
});

/** What options hold at the place of a row. */
export function valueAt(
  options: AttentionOptions,
  { name, field }: Pick<PlacedRow, 'name' | 'field'>,
): unknown {
  const value: unknown = options[name];
  return field === undefined ? value : (value as Readonly<Record<string, unknown>> | undefined)?.[field];
}

/** What holds where nothing is given. */
export function defaultOf({ default: value }: PlacedRow, headDim: number): number | boolean | undefined {
  return typeof value === 'function' ? value(headDim) : value;
}

/** Whether a value of an option or a setting asks for something: neither absent nor off. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false;
}

const positionalRows = optionRows.filter(({ positional }) => positional);

/** An option that looks at the positions of the diagonal, if there is one. */
export function positionalOption(options: AttentionOptions): OptionName | undefined {
  const hasPositions = options.rope?.positions !== undefined;
  const given = positionalRows.filter((row) => isGiven(valueAt(options, row)));
  return given.find(({ name }) => name !== 'rope' || !hasPositions)?.name;
}

const optionChecks = [...new Set(optionRows.map(({ name }) => name))].map((name) => {
  const rows = optionRows.filter((row) => row.name === name);
  const checks = rows.flatMap(({ path, field, isNeeded, ...row }) => {
    const check = checkOf(row);
    return check === undefined ? [] : [{ path, field, isNeeded, check }];
  });
  return { name, checks };
});

/** Checks all that the table tells of values. @throws INVALID_OPTION */
export function checkOptions(options: AttentionOptions): void {
  for (const { name, checks } of optionChecks) {
    if (options[name] === undefined) continue;
    for (const { path, field, isNeeded, check } of checks) {
      const value = valueAt(options, { name, field });
      if (value === undefined && !isNeeded) continue;
      if (!check.accepts(value)) throw expected('INVALID_OPTION', check.what, path, value);
    }
  }
}

type Table = typeof optionTable;

/** The options, and fields of options, that are of a kind. */
export type PathOfKind<Kind> = {
  [Path in OptionPath]: Table[Path]['kind'] extends Kind ? Path : never;
}[OptionPath];

type SettingPath = { [Path in OptionPath]: Table[Path] extends { help: string } ? Path : never }[OptionPath];

/** `scale`, and `windowLeft` of `window.left`. */
type SettingName<Path extends SettingPath> = Table[Path] extends { flag: { name: infer Name extends string } }
  ? Name
  : Path extends `${infer Name}.${infer Field}`
    ? `${Name}${Capitalize<Field>}`
    : Path;

type SettingValue<Path extends SettingPath> = Table[Path] extends { kind: 'flag' } | { flag: unknown }
  ? boolean
  : Table[Path] extends { kind: 'flag or choice' }
    ? OptionAt<Path> | undefined
    : Table[Path] extends { kind: 'numbers a head' }
      ? readonly number[] | undefined
      : OptionAt<Path> | undefined;

/** The settings that say options. */
export type OptionSettings = { readonly [Path in SettingPath as SettingName<Path>]: SettingValue<Path> };

type GroupOf<Path> = Path extends `${infer Name extends keyof Groups}.${string}` ? Name : never;
type FieldOf<
  Path,
  Name extends keyof Groups,
> = Path extends `${Name}.${infer Field extends keyof Groups[Name] & string}` ? Field : never;

/** The options that settings can say: they hold for sequences of any length. */
export type SettableOptions = Pick<AttentionOptions, SettingPath & OptionName> & {
  readonly [Name in GroupOf<SettingPath>]?: Pick<Groups[Name], FieldOf<SettingPath, Name>>;
};

export interface SettingRow extends PlacedRow {
  readonly kind: Table[SettingPath]['kind'];
  readonly setting: keyof OptionSettings;
  readonly help: string;
}

export const settingRows = optionRows
  .filter((row) => row.help !== undefined)
  .map((row) => {
    const { name, field = '', flag } = row;
    const setting = flag?.name ?? `${name}${field.charAt(0).toUpperCase()}${field.slice(1)}`;
    return { ...row, setting } as SettingRow;
  });
