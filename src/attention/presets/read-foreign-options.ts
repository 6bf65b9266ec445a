// Reads the values that other systems' options may have; every error names the option as that system does.
import { describe, expected, HeadpoolError } from '../../core/errors.js';
import { checkNames } from '../../core/suggest.js';

/** Rejects names that the system doesn't have. @throws UNKNOWN_OPTION, naming the nearest; INVALID_OPTION if no object */
export function checkGiven(preset: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || (options as unknown) === null) {
    throw expected('INVALID_OPTION', 'an object', `presets.${preset}(options)`, options);
  }
  checkNames(`option of presets.${preset}`, options, names);
}

/** What a system can do and an attention here can't, by the system's name. */
export function refuse(name: string, value: unknown, instead: string): HeadpoolError {
  return new HeadpoolError(
    'INVALID_OPTION',
    `\`${name}\`, got ${describe(value)}, has no counterpart: ${instead}`,
  );
}

export function readFlag(name: string, value: boolean | undefined, otherwise = false): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? otherwise;
  throw expected('INVALID_OPTION', 'true or false', name, value);
}

/** Only 0 passes: nothing is dropped at random here. */
export function refuseDropout(name: string, value: number | undefined): void {
  if (value === undefined || value === 0) return;
  throw refuse(name, value, 'nothing is dropped at random, so give 0 or leave it out');
}

/** null and undefined are the default, 1 / √headDim in every system. */
export function readScale(name: string, value: number | null | undefined): { readonly scale?: number } {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw expected('INVALID_OPTION', 'a finite number', name, value);
  }
  return { scale: value };
}

/** 0 = none. */
export function readSoftcap(name: string, value: number | undefined): { readonly softcap?: number } {
  if (value === undefined || value === 0) return {};
  if (typeof value !== 'number' || !(value > 0 && value < Infinity)) {
    throw expected('INVALID_OPTION', 'a finite number >= 0 (0 = none)', name, value);
  }
  return { softcap: value };
}

/** -1 = no bound, which is `undefined` here. */
export function readBound(name: string, value: number | undefined): number | undefined {
  if (value === undefined || value === -1) return undefined;
  if (!Number.isInteger(value) || value < 0) {
    throw expected('INVALID_OPTION', 'an integer >= 0, or -1 for no bound,', name, value);
  }
  return value;
}

export interface Band {
  readonly isCausal: boolean;
  /** Inclusive distances; undefined = no bound. */
  readonly left: number | undefined;
  readonly right: number | undefined;
  /** Whether something else looks at positions too. */
  readonly hasSlopes?: boolean;
}

/** Causal and window from one corner, which is named only where something looks at it. */
export function bandOptions(
  corner: 'top-left' | 'bottom-right',
  { isCausal, left, right, hasSlopes = false }: Band,
): {
  readonly causal?: 'top-left' | 'bottom-right';
  readonly alignment?: 'top-left' | 'bottom-right';
  readonly window?: { readonly left?: number; readonly right?: number };
} {
  const isWindowed = left !== undefined || right !== undefined;
  const window = { ...(left !== undefined && { left }), ...(right !== undefined && { right }) };
  return {
    ...(isCausal ? { causal: corner } : (isWindowed || hasSlopes) && { alignment: corner }),
    ...(isWindowed && { window }),
  };
}

/** Integers >= 0: lengths or offsets. */
export function readIntegers(name: string, values: ArrayLike<number>): number[] {
  const isList = typeof values === 'object' && (values as unknown) !== null && 'length' in values;
  const list = isList ? Array.from(values) : undefined;
  if (list?.every((value) => Number.isInteger(value) && value >= 0) !== true) {
    throw expected('INVALID_OPTION', 'a list of integers >= 0', name, values);
  }
  return list;
}

/** Needed where the option's meaning depends on it. */
export function readCount(name: string, value: number | undefined, reason: string): number {
  if (Number.isInteger(value) && value! >= 0) return value!;
  throw expected('INVALID_OPTION', `an integer >= 0 (${reason})`, name, value);
}
