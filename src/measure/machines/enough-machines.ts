// How many machines are enough: the least number of which twice as many would hardly be faster. Pure.

/** Who saves less by as many machines again has enough of them. */
const leastGain = 0.1;

export interface Enough {
  /** Null if the most that were asked about are still too few. */
  readonly machines: number | null;
  /** What as many machines again save of the time, of these or of the most that were asked about. */
  readonly gain: number;
}

/** @param msOf predicts the time on so many machines */
export function enoughMachines(msOf: (machines: number) => number, most: number): Enough {
  const gainOf = (machines: number): number => 1 - msOf(2 * machines) / msOf(machines);
  for (const machines of numbersUpTo(most)) {
    const gain = gainOf(machines);
    if (gain < leastGain) return { machines, gain: Math.max(0, gain) };
  }
  return { machines: null, gain: gainOf(most) };
}

/** 1, 2, 3, 4, 6, 8, 12, 16 …, and `most` itself. */
function numbersUpTo(most: number): number[] {
  const numbers: number[] = [];
  for (let power = 1; power < most; power *= 2) {
    numbers.push(power);
    if (power > 1 && power * 1.5 < most) numbers.push(power * 1.5);
  }
  return [...numbers, most];
}
