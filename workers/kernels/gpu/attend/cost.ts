// What the fused attention takes by its form alone: the terms of a model of its time.
import {
  keyThreads,
  outputColumns,
  pieceColumns,
  rowsOf,
  threadsOf,
  valuePiece,
  vectorsOf,
  workgroupBytes,
  type HeadWidths,
  type TileForm,
} from './form.js';
import { keysPerThread } from './score.js';

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

export function costOf(form: TileForm, { headDim, valueDim }: HeadWidths): AttendCost {
  const { rowsPerThread, tileKeys, pieceVectors } = form;
  const keys = keysPerThread(form);
  const widest = pieceColumns(form);
  const keyPieces = Math.ceil(vectorsOf(headDim) / pieceVectors);
  const valuePieces = Math.ceil(vectorsOf(valueDim) / valuePiece(form));
  // Before and after each piece is loaded: but the first of keys after the tile before, that of values after the maxima.
  const barriersPerTile = 2 * (keyPieces + valuePieces);
  return {
    workgroupBytes: workgroupBytes(form),
    threads: threadsOf(form),
    registers:
      Math.max(scoreRegisters(form), 4 * widest * (rowsPerThread + 1)) +
      4 * outputColumns(form) * rowsPerThread +
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
