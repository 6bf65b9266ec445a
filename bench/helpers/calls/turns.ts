// Processes that take turns, A B B A …, and what their figures come to: the ratios of neighbours, and those of our own
// processes to one another as the control.
import { describeRatios, lessDeviation, type Ratio } from '../../../src/measure/pairs.js';

export interface Turns<Ours, Theirs> {
  readonly ours: readonly Ours[];
  /** Each ran right before or after ours of the same index. */
  readonly theirs: readonly Theirs[];
}

export async function takeTurns<Ours, Theirs>(
  rounds: number,
  contestants: { readonly ours: () => Promise<Ours>; readonly theirs: () => Promise<Theirs> },
): Promise<Turns<Ours, Theirs>> {
  const ours: Ours[] = [];
  const theirs: Theirs[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) ours.push(await contestants.ours());
    theirs.push(await contestants.theirs());
    if (round % 2 === 1) ours.push(await contestants.ours());
  }
  return { ours, theirs };
}

export interface Comparison {
  readonly ratio: Ratio;
  readonly control: Ratio;
  /** The ratio less the control's deviation. */
  readonly safeRatio: number;
}

/** What theirs cost over what ours cost: how many times better we are. Costs are times, of two rounds at least. */
export function compareCosts({ ours, theirs }: Turns<number, number>): Comparison {
  const ratio = describeRatios(ours.map((cost, round) => theirs[round]! / cost));
  const control = controlOf(ours);
  return { ratio, control, safeRatio: lessDeviation(ratio, control) };
}

/** Each over the next one and by turns the other way round, so that what drifts all the time falls out: 1 if all is still. */
export function controlOf(costs: readonly number[]): Ratio {
  const ratios = costs.slice(1).map((next, n) => (n % 2 === 0 ? costs[n]! / next : next / costs[n]!));
  return describeRatios(ratios);
}
