// What the contests have to show. All bars stand on ratios less the deviation of their A/A control.
import type { BarLine } from '../../../src/measure/grid/bars.js';
import { nameOf } from './cases.js';
import type { Contest } from './contest.js';

export type BarsOf = (contests: readonly Contest[]) => BarLine[];

/** A bar for each contest by itself. */
export function everyCase(leastRatio: number): BarsOf {
  return (contests) =>
    contests.map(({ shape, peer, engine, safeRatio }) => ({
      name: `${nameOf(shape)}, ${countWorkers(engine.threads)} against ${peer.name} on ${peer.threads}, less the control's deviation`,
      found: formatTimes(safeRatio),
      wanted: `at least ${leastRatio}x`,
      isMet: safeRatio >= leastRatio,
    }));
}

/** Bars for the full layers as a whole and for the worst of them, and one for the causal layers. */
export function wholeTable(least: {
  readonly mean: number;
  readonly worst: number;
  readonly causalMean: number;
}): BarsOf {
  return (contests) => {
    const full = contests.filter(({ shape }) => shape.causal !== true);
    const causal = contests.filter(({ shape }) => shape.causal === true);
    return [
      ...barMean('full attention', full, least.mean),
      ...barWorst(full, least.worst),
      ...barMean('causal', causal, least.causalMean),
    ];
  };
}

function barMean(which: string, contests: readonly Contest[], least: number): BarLine[] {
  const [first] = contests;
  if (first === undefined) return [];
  const mean = geometricMean(contests.map(({ safeRatio }) => safeRatio));
  const ceiling = geometricMean(contests.map((contest) => contest.ceiling));
  return [
    {
      name: `${which} against ${first.peer.name}, geometric mean of ${contests.length}, less the control's deviation`,
      found: `${formatTimes(mean)}, of ${formatTimes(ceiling)} that the multiply-add rate would give`,
      wanted: `at least ${least}x`,
      isMet: mean >= least,
    },
  ];
}

function geometricMean(ratios: readonly number[]): number {
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
}

function barWorst(contests: readonly Contest[], least: number): BarLine[] {
  const [worst] = contests.toSorted((a, b) => a.safeRatio - b.safeRatio);
  if (worst === undefined) return [];
  return [
    {
      name: `the worst of them, ${nameOf(worst.shape)}`,
      found: formatTimes(worst.safeRatio),
      wanted: `at least ${least}x`,
      isMet: worst.safeRatio >= least,
    },
  ];
}

function formatTimes(ratio: number): string {
  return `${ratio.toFixed(2)}x`;
}

function countWorkers(count: number): string {
  return count === 1 ? '1 worker' : `${count} workers`;
}
