// What the fused attention takes by its form alone: the terms of a model of its time.
import { largestOf } from '../../../../src/core/lists.js';
import { keyThreads, piecesOf, rowsOf, threadsOf, workgroupBytes, type TileForm } from './form.js';
import { keysPerThread } from './score.js';
import { outputColumns } from './values.js';

export interface AttendCost {
  readonly workgroupBytes: number;
  readonly threads: number;
  /** Floats that a thread keeps at its fullest: sums, what a step loads, and rows' state; addresses aside. */
  readonly registers: number;
  /** Barriers of a tile of keys, and after the last tile. */
  readonly barriersPerTile: number;
  readonly barriersOfRows: number;
  readonly barriersPerKey: number;
  /** Bytes of keys and values from outside workgroup memory: each number once a tile of rows. */
  readonly bytesPerMultiplyAdd: number;
  /** Vectors that one step of the loop of scores and one of that of values load from workgroup memory. */
  readonly scoreLoads: number;
  readonly valueLoads: number;
  /** Floats that are loaded from workgroup memory a multiply-add of scores, and of values. */
  readonly floatsPerScore: number;
  readonly floatsPerValue: number;
}

export function costOf(form: TileForm): AttendCost {
  const { headDim, valueDim, rowsPerThread, tileKeys } = form;
  const keys = keysPerThread(form);
  const columnsOfPieces = piecesOf(form, valueDim).map(([first, end]) => outputColumns(first, end));
  const columns = columnsOfPieces.reduce((sum, count) => sum + count, 0);
  const widest = largestOf(columnsOfPieces);
  const barriersPerTile = 2 * (piecesOf(form, headDim).length + columnsOfPieces.length);
  return {
    workgroupBytes: workgroupBytes(form),
    threads: threadsOf(form),
    registers:
      Math.max(scoreRegisters(form), 4 * widest * (rowsPerThread + 1)) +
      4 * columns * rowsPerThread +
      4 * rowsPerThread,
    barriersPerTile,
    barriersOfRows: 1,
    barriersPerKey: barriersPerTile / tileKeys,
    bytesPerMultiplyAdd: 4 / rowsOf(form),
    scoreLoads: 4 + keys,
    valueLoads: 1 + widest,
    floatsPerScore: (4 * rowsPerThread + 4 * keys) / (4 * rowsPerThread * keys),
    floatsPerValue: (rowsPerThread + 4 * widest) / (4 * rowsPerThread * widest),
  };
}

/** Scores and their parts, and what a step of 4 dims loads. */
function scoreRegisters({ rowsPerThread, ...form }: TileForm): number {
  const keys = form.tileKeys / keyThreads;
  return 2 * keys * rowsPerThread + 4 * rowsPerThread + 4 * keys;
}
