// What every phase makes of its work: a function that runs one unit.

/** Runs one unit, given its words. */
export type UnitRunner = (unit: Int32Array) => void;
