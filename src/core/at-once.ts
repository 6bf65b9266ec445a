// Runs an action for each entry of a list, several at a time: one waits for the disk while others work.
import { leastOf } from './lists.js';

/**
 * Resolves to the results in the order of the list. After a failure none is begun, and once all that were under way have
 * ended it rejects with the failure of the first entry that has one.
 */
export async function mapAtOnce<T, R>(
  list: readonly T[],
  most: number,
  action: (entry: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const failures = new Map<number, unknown>();
  const waiting = list.entries();
  const walk = async (): Promise<void> => {
    for (const [index, entry] of waiting) {
      try {
        results[index] = await action(entry, index);
      } catch (error) {
        failures.set(index, error);
      }
      if (failures.size > 0) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, list.length) }, walk));
  if (failures.size === 0) return results;
  throw failures.get(leastOf(failures.keys()));
}
