// Strict reading of a JSON value, field by field: each reader gives a value of its type or names the field that is wrong.
import { invalidFile } from '../../core/errors.js';
import { quoteName } from '../../files/field-name.js';

/** A value of a file, and where it stands in it. */
export interface Place {
  readonly path: string;
  /** 'cells[3].ms' */
  readonly name: string;
  readonly value: unknown;
}

/** @throws INVALID_FILE */
export type Reader<T> = (place: Place) => T;

/** A reader a field. */
export type Readers<T> = { readonly [Name in keyof T]-?: Reader<T[Name]> };

export function refuse({ path, name, value }: Place, what: string): Error {
  return invalidFile(path, what, name, value);
}

/** An object with these fields and no other. */
export function object<T extends object>(readers: Readers<T>): Reader<T> {
  return (place) => {
    const values = fieldsOf(place);
    const names = Object.keys(readers) as (keyof T & string)[];
    const surplus = Object.keys(values).find((name) => !Object.hasOwn(readers, name));
    if (surplus !== undefined) throw refuse(inside(place, surplus, values[surplus]), 'no such field');
    const read = names.map((name) => [name, readers[name](inside(place, name, fieldOf(values, name)))]);
    return Object.fromEntries(read) as T;
  };
}

/** An object with any of `keys`. */
export function record<Key extends string, T>(
  keys: readonly Key[] | undefined,
  reader: Reader<T>,
): Reader<Record<Key, T>> {
  return (place) => {
    const entries = Object.entries(fieldsOf(place)).map(([key, value]) => {
      const at = inside(place, key, value);
      if (keys !== undefined && !keys.includes(key as Key))
        throw refuse(at, `one of ${keys.join(', ')} as a key`);
      return [key, reader(at)];
    });
    return Object.fromEntries(entries) as Record<Key, T>;
  };
}

export function list<T>(reader: Reader<T>): Reader<readonly T[]> {
  return (place) => {
    if (!Array.isArray(place.value)) throw refuse(place, 'a list');
    return place.value.map((value: unknown, n) => reader({ ...place, name: `${place.name}[${n}]`, value }));
  };
}

/** A list that isn't empty. */
export function filled<T>(reader: Reader<T>): Reader<readonly T[]> {
  return (place) => {
    const values = list(reader)(place);
    if (values.length === 0) throw refuse(place, 'at least one element');
    return values;
  };
}

export function nullable<T>(reader: Reader<T>): Reader<T | null> {
  return (place) => (place.value === null ? null : reader(place));
}

export function oneOf<T extends string | number>(...values: readonly T[]): Reader<T> {
  return (place) => {
    const found = values.find((value) => value === place.value);
    if (found === undefined)
      throw refuse(place, values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`);
    return found;
  };
}

export const text: Reader<string> = (place) => {
  if (typeof place.value !== 'string') throw refuse(place, 'text');
  return place.value;
};

export const flag: Reader<boolean> = (place) => {
  if (typeof place.value !== 'boolean') throw refuse(place, 'true or false');
  return place.value;
};

/** Any number that JSON has. */
export const number: Reader<number> = (place) => {
  if (typeof place.value !== 'number' || !Number.isFinite(place.value))
    throw refuse(place, 'a finite number');
  return place.value;
};

export const positive: Reader<number> = (place) => {
  if (!(number(place) > 0)) throw refuse(place, 'a number > 0');
  return place.value as number;
};

export function integer(least: number): Reader<number> {
  return (place) => {
    if (!Number.isSafeInteger(place.value) || (place.value as number) < least)
      throw refuse(place, `an integer >= ${least}`);
    return place.value as number;
  };
}

export function fieldsOf(place: Place): Readonly<Record<string, unknown>> {
  const { value } = place;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(place, 'an object');
  return value as Record<string, unknown>;
}

/** A field of an object; undefined where it has none of its own. */
export function fieldOf(values: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

function inside({ path, name: parent }: Place, key: string, value: unknown): Place {
  return { path, name: parent === '' ? quoteName(key) : `${parent}.${quoteName(key)}`, value };
}
