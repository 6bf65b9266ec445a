// The form of an attention shader: how its work is cut among threads, and which options it has. A form follows from
// shapes and the device's limits alone; the same form is the same text.
import type { AttentionWork } from '../../../../src/core/protocol/attention-work.js';

/** Limits of the device that the cut depends on. */
export interface TileLimits {
  readonly maxComputeWorkgroupStorageSize: number;
}

/** A workgroup computes a tile of rows (queries times the query heads of a key/value head) over tiles of keys. */
export interface TileForm {
  readonly headDim: number;
  readonly valueDim: number;
  /** Rows of a thread, which lie in the components of its vectors. */
  readonly rowsPerThread: 2 | 4;
  /** Threads side by side on the rows. */
  readonly rowThreads: number;
  /** Keys of a tile, at most 32. */
  readonly tileKeys: number;
  /** Vectors of 4 dims of keys or values that lie in workgroup memory at a time. */
  readonly pieceVectors: number;
}

/** Which rules of a score a shader has; what is absent is left out of its text. */
export interface RuleForm {
  readonly window: boolean;
  readonly softcap: boolean;
  readonly alibi: boolean;
  readonly bias: boolean;
  readonly mask: boolean;
  readonly extra: boolean;
  /** Whether query, key, value and output are read and written as vectors: dims, offsets and strides are multiples of 4. */
  readonly vectors: boolean;
}

export interface AttendForm extends TileForm, RuleForm {
  readonly sinks: boolean;
  readonly headScale: boolean;
  /** Writes maximum and sum of each row. */
  readonly state: boolean;
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

/** Pieces [first, end) of the vectors of a row. */
export function piecesOf({ pieceVectors }: TileForm, dims: number): readonly (readonly [number, number])[] {
  const vectors = vectorsOf(dims);
  return Array.from({ length: Math.ceil(vectors / pieceVectors) }, (_, n) => [
    n * pieceVectors,
    Math.min((n + 1) * pieceVectors, vectors),
  ]);
}

/** Bytes of workgroup memory: queries, a piece of keys or values, probabilities, maxima, one flag. */
export function workgroupBytes(form: TileForm): number {
  const rows = rowsOf(form);
  const queries = 4 * vectorsOf(form.headDim) * rows;
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
  for (const [rowThreads, tileKeys, vectors] of cuts) {
    const form: TileForm = {
      headDim,
      valueDim,
      rowsPerThread: widest > 128 ? 2 : 4,
      rowThreads,
      tileKeys,
      pieceVectors: Math.min(vectors, vectorsOf(widest)),
    };
    if (workgroupBytes(form) <= bytes) return form;
  }
  throw new RangeError(
    `Expected heads that ${bytes} bytes of workgroup memory hold, got ${widest} wide ones`,
  );
}

/** What a shader needs of the rules of `work`. */
export function ruleFormOf({ rules, extra }: AttentionWork, vectors: boolean): RuleForm {
  return {
    window: rules.left !== Infinity || rules.right !== Infinity,
    softcap: rules.softcap !== 0,
    alibi: rules.alibiSlopes !== null,
    bias: rules.bias !== null,
    mask: rules.mask !== null,
    extra: extra !== null && extra.count > 0,
    vectors,
  };
}
