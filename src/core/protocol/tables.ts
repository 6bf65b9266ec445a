// The words of a row of a phase's tables: what is a unit, and what is an entry.

/** A unit is a row of this many Int32 in its phase's table; what they mean is the phase's business. */
export const unitWords = 5;

/** Runs one unit, given its words. */
export type UnitRunner = (unit: Int32Array) => void;

/** Float64 words of one row of a table of entries; offsets count elements. */
export const entryWords = {
  queryOffset: 0,
  queries: 1,
  keyOffset: 2,
  valueOffset: 3,
  keys: 4,
  outputOffset: 5,
  /** Position of query 0 on the diagonal. */
  diagonal: 6,
  logSumExpOffset: 7,
  /** What its rows gather over ranges of keys, where they are split. */
  partialOffset: 8,
  /** In units of `blockStatistics` numbers. */
  statisticsOffset: 9,
  /** Where keys are paged: which pool its pages are of, and where its part of the table of pages starts. */
  pool: 10,
  pagesOffset: 11,
  /** The position of the first key that a phase turns. */
  keyPosition: 12,
  /** Keys of the call, the last ones of `keys`. */
  newKeys: 13,
  count: 14,
} as const;

/** Where an entry's rows of an operand start, and how many there are. */
export const operandWords = {
  query: { offset: entryWords.queryOffset, tokens: entryWords.queries },
  key: { offset: entryWords.keyOffset, tokens: entryWords.keys },
  value: { offset: entryWords.valueOffset, tokens: entryWords.keys },
} as const;
