// Operands as an unfriendly host hands them in: everything counted as it is read, or one thing throwing as it is.
import { types } from 'node:util';

/** A path into an object: 'q.shape.0'. */
export type Reads = Map<string, number>;

/**
 * A proxy of plain objects and lists, all the way down, that calls `onRead` with the path of each property that is read.
 * Typed arrays, signals and objects of classes stay what they are.
 */
export function watched<T extends object>(target: T, onRead: (path: string) => void, path = ''): T {
  const children = new Map<PropertyKey, unknown>();
  return new Proxy(target, {
    get: (object, key, receiver): unknown => {
      if (typeof key === 'symbol') return Reflect.get(object, key, receiver);
      const place = path === '' ? key : `${path}.${key}`;
      const value: unknown = Reflect.get(object, key, receiver);
      if (typeof value !== 'function') onRead(place);
      if (!children.has(key)) children.set(key, isPlain(value) ? watched(value, onRead, place) : value);
      return children.get(key);
    },
  });
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || types.isTypedArray(value)) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

/** The paths of all that `use` reads of `target`, each with how often. */
export async function readsOf<T extends object>(target: T, use: (given: T) => unknown): Promise<Reads> {
  const reads: Reads = new Map();
  await use(watched(target, (path) => reads.set(path, (reads.get(path) ?? 0) + 1)));
  return reads;
}

/** The same target, of which reading one property throws. */
export function throwingAt<T extends object>(target: T, path: string, error: unknown): T {
  return watched(target, (read) => {
    if (read === path) throw error;
  });
}
