// The first thing in which two values of plain JSON differ, by the name that a message can give it.

export interface Difference {
  readonly field: string;
  readonly before: unknown;
  readonly now: unknown;
}

/** The first field in which `now` differs from `before`, and both values. */
export function firstDifference(before: unknown, now: unknown, field = ''): Difference | undefined {
  if (!isObject(before) || !isObject(now)) {
    return before === now ? undefined : { field, before, now };
  }
  for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) {
    const inner = Array.isArray(before) ? `${field}[${name}]` : field === '' ? name : `${field}.${name}`;
    const difference = firstDifference(before[name], now[name], inner);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
