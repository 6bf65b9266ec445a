// The form of an attention shader: how its work is cut among threads, and whether it has all rules. A form follows from
// shapes, options and the device's limits alone; the same form is the same text.
import { canUseVectors } from './alignment.js';
import type { AttentionGiven } from './given.js';

/** Limits of the device that the cut depends on. */
export interface TileLimits {
  readonly maxComputeWorkgroupStorageSize: number;
}

/**
 * A workgroup computes a tile of rows (queries times the query heads of a key/value head) over tiles of keys. Widths are
 * told at run time: heads of nearly the same width share a text.
 */
export interface TileForm {
  /** Rows of a thread, which lie in the components of its vectors. */
  readonly rowsPerThread: 2 | 4;
  /** Threads side by side on the rows. */
  readonly rowThreads: number;
  /** Keys of a tile, at most 32. */
  readonly tileKeys: number;
  /** Vectors of 4 dims of keys or values that lie in workgroup memory at a time. */
  readonly pieceVectors: number;
  /** Vectors that queries and output rows have at most. */
  readonly queryVectors: number;
  readonly outputVectors: number;
}

/** Widths of heads. */
export interface HeadWidths {
  readonly headDim: number;
  readonly valueDim: number;
}

/** A tile and what it reads. */
export interface ShaderForm extends TileForm {
  /** Whether it has the rules that few calls have: all but causal, window and lengths. A plain text is much shorter. */
  readonly isRich: boolean;
  /** Whether query, key, value and output are read and written as vectors: dims, offsets and strides are multiples of 4. */
  readonly vectors: boolean;
}

export interface AttendForm extends ShaderForm {
  /** Keys may be cut into ranges over several dispatches. */
  readonly carry: boolean;
}

/** Threads side by side on the keys of a tile, and on the vectors of an output row. */
export const keyThreads = 8;

/** Workgroup memory that is used at most, however much there is: more would leave fewer workgroups beside one another. */
const mostBytes = 32 * 1024;

/** Vectors of 4 that hold `dims` numbers. */
export function vectorsOf(dims: number): number {
  return Math.ceil(dims / 4);
}

export function rowsOf({ rowsPerThread, rowThreads }: TileForm): number {
  return rowsPerThread * rowThreads;
}

export function threadsOf({ rowThreads }: TileForm): number {
  return rowThreads * keyThreads;
}

/** Vectors from one row of keys in workgroup memory to the next: odd, so that rows begin in different banks. */
export function tileStride({ pieceVectors }: TileForm): number {
  return pieceVectors | 1;
}

/** Vectors of values that lie in workgroup memory at a time. */
export function valuePiece({ pieceVectors, outputVectors }: TileForm): number {
  return Math.min(pieceVectors, outputVectors);
}

/** Vectors of an output row that a thread holds: x, x + keyThreads, … */
export function outputColumns({ outputVectors }: TileForm): number {
  return outputVectors / keyThreads;
}

/** Those that it computes at a time. */
export function pieceColumns(form: TileForm): number {
  return valuePiece(form) / keyThreads;
}

/** Bytes of workgroup memory: queries, a piece of keys or values, scores or probabilities, maxima, one flag. */
export function workgroupBytes(form: TileForm): number {
  const rows = rowsOf(form);
  const queries = 4 * form.queryVectors * rows;
  const keys = 4 * form.tileKeys * tileStride(form);
  return 4 * (queries + keys + form.tileKeys * rows + keyThreads * rows + 1);
}

// From the best to what needs least memory: [threads on rows, keys, vectors of a piece].
const cuts = [
  [8, 32, 16],
  [8, 16, 16],
  [8, 16, 8],
  [4, 16, 16],
  [4, 16, 8],
  [2, 16, 8],
  [1, 8, 8],
] as const;

/**
 * The best cut for the widths that the device's workgroup memory holds. Wide heads have 2 rows a thread: the sums of 4
 * would not stay in registers.
 * @throws RangeError where no cut fits, which takes heads far wider than 256
 */
export function formFor(limits: TileLimits, headDim: number, valueDim: number): TileForm {
  const bytes = Math.min(limits.maxComputeWorkgroupStorageSize, mostBytes);
  const widest = Math.max(headDim, valueDim);
  const [queryVectors, outputVectors] = [mostVectors(headDim), mostVectors(valueDim)];
  for (const [rowThreads, tileKeys, vectors] of cuts) {
    const form: TileForm = {
      rowsPerThread: widest > 128 ? 2 : 4,
      rowThreads,
      tileKeys,
      pieceVectors: Math.min(vectors, Math.max(queryVectors, outputVectors)),
      queryVectors,
      outputVectors,
    };
    if (workgroupBytes(form) <= bytes) return form;
  }
  throw new RangeError(
    `Expected heads that ${bytes} bytes of workgroup memory hold, got ${widest} wide ones`,
  );
}

/** 8, 16, 32, 48 … vectors: there are few texts, and pieces of 8 or 16 fill them. */
function mostVectors(dims: number): number {
  const vectors = vectorsOf(dims);
  return vectors <= 8 ? 8 : 16 * Math.ceil(vectors / 16);
}

/** What a shader needs for `given` beside its tile. */
export function needsOf(given: AttentionGiven): Pick<ShaderForm, 'isRich' | 'vectors'> {
  const { rules, alibiSlopes, bias, mask, sinks, headScale, extra } = given;
  const isThere = [alibiSlopes, bias, mask, sinks, headScale, extra].some((rule) => rule !== null);
  return { isRich: isThere || rules.softcap !== 0, vectors: canUseVectors(given) };
}
