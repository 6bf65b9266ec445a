// What options may be, kind by kind: what a row of their table says, and how a value is checked by it.

/** 'other' and what depends on the call's heads are checked where they are resolved. */
export type Kind = 'flag' | 'choice' | 'flag or choice' | NumberKind | 'numbers a head' | 'other';

type NumberKind = 'count' | 'even count' | 'float32' | 'positive float32' | 'positive number' | 'number >= 0';

type KindOf<Value> = [Value] extends [boolean | undefined]
  ? 'flag'
  : [Value] extends [number | undefined]
    ? NumberKind
    : [Value] extends [string | undefined]
      ? 'choice'
      : [Value] extends [boolean | string | undefined]
        ? 'flag or choice'
        : 'numbers a head' | 'other';

/** A row of the table of options. */
export interface OptionRow {
  readonly kind: Kind;
  /** The words of a choice. */
  readonly choices?: readonly string[];
  /** What each number of a list may be. */
  readonly range?: 'finite' | 'below Infinity' | undefined;
  /** A field that its option can't be without. */
  readonly isNeeded?: boolean;
  /** What holds, and is recorded, where nothing is given. */
  readonly default?: boolean | ((headDim: number) => number) | undefined;
  /** What stands for nothing in the resolved options. */
  readonly none?: number | undefined;
  /** Whether it looks at the positions of queries, so that the diagonal must be known. */
  readonly positional?: boolean;
  /** Of a setting: what help says of it. */
  readonly help?: string | undefined;
  /** Of a setting that is a flag, which stands for numbers a head. */
  readonly flag?:
    { readonly name: string; readonly stands: (heads: number) => readonly number[] } | undefined;
}

/** The row of an option of that type. */
export interface RowOf<Value> extends OptionRow {
  readonly kind: KindOf<Value>;
  readonly choices?: readonly Extract<Value, string>[];
}

export interface Check {
  /** What a message says was expected. */
  readonly what: string;
  readonly accepts: (value: unknown) => boolean;
}

export function checkOf({ kind, choices = [] }: OptionRow): Check | undefined {
  switch (kind) {
    case 'flag':
      return oneOf([true, false]);
    case 'choice':
      return oneOf(choices);
    case 'flag or choice':
      return oneOf([true, false, ...choices]);
    case 'count':
      return {
        what: 'an integer >= 0',
        accepts: (value) => Number.isInteger(value) && (value as number) >= 0,
      };
    case 'float32':
      return { what: 'a finite float32 number', accepts: (value) => Number.isFinite(asFloat32(value)) };
    case 'positive float32':
      // Kernels divide by it, and the reciprocal of less is infinite.
      return {
        what: 'a number > 0 in the range of float32 (1.2e-38 to 3.4e38)',
        accepts: (value) => asFloat32(value) >= 2 ** -126 && asFloat32(value) < Infinity,
      };
    case 'positive number':
      return {
        what: 'a finite number > 0',
        accepts: (value) => Number.isFinite(value) && (value as number) > 0,
      };
    case 'number >= 0':
      return {
        what: 'a finite number >= 0',
        accepts: (value) => Number.isFinite(value) && (value as number) >= 0,
      };
    case 'even count':
    case 'numbers a head':
    case 'other':
      return undefined;
    default:
      return kind satisfies never;
  }
}

function oneOf(values: readonly (string | boolean)[]): Check {
  return { what: formatChoices(values), accepts: (value) => (values as readonly unknown[]).includes(value) };
}

/** `true, false or 'mean'`. */
export function formatChoices(values: readonly (string | boolean)[]): string {
  const words = values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value)));
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)!}`;
}

/** As kernels hold it; NaN for what is no number. */
function asFloat32(value: unknown): number {
  return typeof value === 'number' ? Math.fround(value) : NaN;
}
