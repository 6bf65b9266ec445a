// Refusals by their whole message: what was expected, for which option, and what came.
import test from 'ava';
import type { AttentionInputs, Engine } from '../../src/index.js';
import { assertRefused } from './assertions.js';

export interface Refused {
  readonly what: string;
  readonly name: string;
  /** The options that give the option a value. */
  readonly give: (value: unknown) => object;
}

/** Wrong values, and how messages show them. */
export type Shown = readonly (readonly [value: unknown, shown: string])[];

/** Declares a test a wrong value of one option: `base` with it is refused with the message of `expected`. */
export function valuesRefuser(engineOf: () => Engine, base: AttentionInputs) {
  return ({ what, name, give }: Refused, values: Shown): void => {
    for (const [value, shown] of values) {
      test(`${name} of ${shown} is refused, since it wants ${what}`, async (t) => {
        const message = `Expected ${what} for \`${name}\`, got ${shown}`;
        const given: AttentionInputs = { ...base, ...give(value) };
        await assertRefused(t, () => engineOf().attention(given), { code: 'INVALID_OPTION', message });
      });
    }
  };
}

/** What no option of numbers, lists or objects may be. */
export const neverRight: Shown = [
  [null, '`null`'],
  [true, '`true` (boolean)'],
  ['1', '`"1"` (string)'],
  [5n, '`5n` (bigint)'],
  [Symbol('one'), 'a symbol'],
  [() => 1, 'a function'],
];

/** What no finite number is. */
export const neverFinite: Shown = [
  ...neverRight,
  [NaN, '`NaN` (number)'],
  [Infinity, '`Infinity` (number)'],
  [-Infinity, '`-Infinity` (number)'],
  [undefined, 'nothing'],
  [{}, 'an object (Object)'],
  [[1], '`[1]` (array)'],
];
