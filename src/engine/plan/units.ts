// Units: pieces of work that workers take one after the other, and the table in which they find them.
import { unitWords } from '../../core/protocol/tables.js';

/** Units of one phase in the order in which workers take them. */
export interface PhasePlan {
  readonly units: Int32Array; // [unitCount, unitWords]
  readonly unitCount: number;
  /** Of all units together. */
  readonly flop: number;
  /** Of each unit, by which they are put in order; also where the phase as a whole counts none. */
  readonly unitFlop: Float64Array;
}

/** One unit: what its words mean is the business of its phase. */
export interface Unit {
  readonly words: readonly [number, number, number, number, number];
  readonly flop: number;
}

// A unit of less than this (0.05 ms at 40 GFLOP/s) takes on more heads or segments; taking a unit costs about 1 µs.
export const leastUnitFlop = 2e6;

function longestFirst(a: Unit, b: Unit): number {
  return b.flop - a.flop;
}

/** [0, length) in pieces of `size`, the last one shorter. */
export function cut(length: number, size: number): [number, number][] {
  const pieces: [number, number][] = [];
  for (let start = 0; start < length; start += size) pieces.push([start, Math.min(length, start + size)]);
  return pieces;
}

export function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}

/** The table of units, the longest first unless `order` says otherwise. */
export function toPlan(units: Unit[], order = longestFirst): PhasePlan {
  units.sort(order);
  const table = new Int32Array(units.length * unitWords);
  const unitFlop = new Float64Array(units.length);
  let flop = 0;
  units.forEach((unit, index) => {
    table.set(unit.words, index * unitWords);
    unitFlop[index] = unit.flop;
    flop += unit.flop;
  });
  return { units: table, unitCount: units.length, flop, unitFlop };
}
