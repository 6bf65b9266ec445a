// What options may be, kind by kind: what a row of their table says, and how a value is checked by it.

/** Node's timers take more for 1 ms. */
export const longestTimerMs = 2 ** 31 - 1;

/** Numbers, and what messages say of them. */
const ranges = {
  count: { what: 'an integer >= 0', has: (value: number) => Number.isInteger(value) && value >= 0 },
  float32: { what: 'a finite float32 number', has: (value: number) => Number.isFinite(Math.fround(value)) },
  'positive float32': {
    what: 'a number > 0 in the range of float32 (1.2e-38 to 3.4e38)',
    // Kernels divide by it, and the reciprocal of less is infinite.
    has: (value: number) => Math.fround(value) >= 2 ** -126 && Math.fround(value) < Infinity,
  },
  'positive number': { what: 'a finite number > 0', has: (value: number) => value > 0 && value < Infinity },
  milliseconds: {
    what: `a number of milliseconds > 0 and at most ${longestTimerMs} (24.8 days)`,
    has: (value: number) => value > 0 && value <= longestTimerMs,
  },
  'number >= 0': { what: 'a finite number >= 0', has: (value: number) => value >= 0 && value < Infinity },
} as const;

type NumberKind = keyof typeof ranges | 'even count';

/** 'even count', 'numbers a head' and 'other' are checked where they are resolved. */
export type Kind = 'flag' | 'choice' | 'flag or choice' | NumberKind | 'numbers a head' | 'other';

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
    case 'even count':
    case 'numbers a head':
    case 'other':
      return undefined;
    case 'count':
    case 'float32':
    case 'positive float32':
    case 'positive number':
    case 'milliseconds':
    case 'number >= 0': {
      const { what, has } = ranges[kind];
      return { what, accepts: (value) => typeof value === 'number' && has(value) };
    }
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
