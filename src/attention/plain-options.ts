// Options that say nothing of particular sequences, as a copy and a key: calls with the same key differ in their rows only,
// so that one can be made ready for all of them, and several can be computed as one ragged batch.
import { optionTable, type AttentionOptions } from './options.js';

export interface PlainOptions {
  readonly options: AttentionOptions;
  /** The same for the same options. */
  readonly key: string;
}

// Those that hold for sequences of any length are those that a command line can say.
const plainNames = new Set(
  Object.entries(optionTable).flatMap(([path, row]) => ('help' in row ? [path.split('.', 1)[0]!] : [])),
);
// Of the call, not of what it computes.
const hostNames = new Set(['signal', 'timeoutMs', 'priority', 'out']);
// Longer lists cost more to compare than a call saves.
const mostNumbers = 128;
const none: PlainOptions = { options: {}, key: '' };

/** @param wishes read once already; its values may be anything. @returns undefined where they name more than plain ones */
export function plainOptions(wishes: AttentionOptions): PlainOptions | undefined {
  const options: Record<string, unknown> = {};
  let isEmpty = true;
  for (const [name, value] of Object.entries(wishes)) {
    if (value === undefined || hostNames.has(name)) continue;
    if (!plainNames.has(name)) return undefined;
    const copy = copyPlain(value);
    if (copy === undefined) return undefined;
    options[name] = copy;
    isEmpty = false;
  }
  return isEmpty ? none : { options, key: JSON.stringify(options) };
}

/** A copy that JSON tells from every other; undefined where there is none. */
function copyPlain(value: unknown): unknown {
  if (isPlain(value)) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value)) {
    const given = value as ArrayLike<unknown>;
    const list: unknown[] = given.length > mostNumbers ? [] : Array.from(given);
    return list.length > 0 && list.every(isPlain) ? list : undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return fields.every(([, field]) => isPlain(field)) ? Object.fromEntries(fields) : undefined;
}

function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  return typeof value === 'boolean' || typeof value === 'string';
}
