// Reads what a caller hands in once, so that what is checked is what is used: getters, proxies and lists that change
// can't give one thing to a check and another to the work.
import { expected } from './errors.js';
import { checkNames } from './suggest.js';

export interface ObjectToRead {
  /** What the object is called in messages. */
  readonly name: string;
  /** What its fields are, for names that are none of them: 'option'. */
  readonly kind: string;
  readonly fields: readonly string[];
  /** What is expected where it is no object; default 'an object'. */
  readonly what?: string;
}

/**
 * A copy of `given`, each field read once. Known fields count where they are inherited, too.
 * @throws INVALID_OPTION if it is no object, or a list or another collection; UNKNOWN_OPTION, naming the nearest
 */
export function readObject<T extends object>(
  given: T,
  { name, kind, fields, what = 'an object' }: ObjectToRead,
): T {
  if (!isRecord(given)) throw expected('INVALID_OPTION', what, name, given);
  const copy: T = { ...given };
  checkNames(kind, copy, fields);
  const prototype: unknown = Object.getPrototypeOf(given);
  if (prototype !== Object.prototype && prototype !== null) inherit(copy, given, fields);
  return copy;
}

// Lists, maps and typed arrays are objects too, but nobody means their fields.
function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(Symbol.iterator in value);
}

/** A spread leaves out the getters of a class and the fields of a prototype that holds defaults. */
function inherit<T extends object>(copy: T, given: T, fields: readonly string[]): void {
  for (const field of fields as readonly (keyof T)[]) {
    if (!Object.hasOwn(copy, field) && field in given) copy[field] = given[field];
  }
}

/**
 * What `read` makes of the items of a list, each read once; `read` checks and may throw.
 * @param count the length, where it was looked at before
 */
export function readList<T>(
  list: readonly unknown[],
  read: (item: unknown, index: number) => T,
  count = list.length,
): T[] {
  const items: T[] = [];
  // Not `map`, which skips the holes of a sparse array, and which a caller's array may have replaced.
  for (let n = 0; n < count; n++) items.push(read(list[n], n));
  return items;
}
