/** A copy of an object that lacks some of its fields. */
export function without<T extends object, K extends keyof T>(given: T, ...names: readonly K[]): Omit<T, K> {
  const kept = Object.entries(given).filter(([name]) => !(names as readonly PropertyKey[]).includes(name));
  return Object.fromEntries(kept) as Omit<T, K>;
}
