// What the rotating shader is told of each row: where it starts and by which angles it turns. The angles are computed in
// float64 and rounded once, because those of far positions are nothing that float32 could tell.
import type { RotatedHeads, Rotary } from '../../../src/core/protocol/head-work.js';
import { entryWords, unitWords } from '../../../src/core/protocol/tables.js';

/** Of a row that doesn't turn: one at position 0, so that infinities stay what they are. */
export const noTurn = 0xffffffff;

export interface RotatedRows {
  /** Where head 0 of a row starts, and the number of its angles: [rows, 2]. */
  readonly rows: Uint32Array;
  /** Cosine and sine of each pair at each position that occurs: [positions, pairs, 2]. */
  readonly angles: Float32Array;
}

export interface RotatedSide {
  readonly which: 'query' | 'key';
  readonly layout: RotatedHeads['layout'];
  /** Of the rows of the batch; null = each row stands one after the row before it. */
  readonly positions: Float64Array | null;
  readonly rotary: Rotary | null;
}

const sideWords = {
  query: { unit: 0, offset: entryWords.queryOffset, position: entryWords.diagonal },
  key: { unit: 1, offset: entryWords.keyOffset, position: entryWords.keyPosition },
} as const;

/** The rows of one side in all units of a rotating phase. */
export function rotatedRows(
  { which, layout, positions, rotary }: RotatedSide,
  units: Int32Array,
  entries: Float64Array,
): RotatedRows {
  const words = sideWords[which];
  const turns = new Map<number, number>([[0, noTurn]]);
  const rows: number[] = [];
  for (let unit = 0; unit < units.length; unit += unitWords) {
    const [entry, side, firstRow, endRow, batchRow] = units.subarray(unit, unit + unitWords);
    if (side !== words.unit) continue;
    const at = entry! * entryWords.count;
    for (let row = firstRow!; row < endRow!; row++) {
      const position = positions === null ? entries[at + words.position]! + row : positions[batchRow! + row]!;
      if (!turns.has(position)) turns.set(position, turns.size - 1);
      rows.push(entries[at + words.offset]! + row * layout.rowStride, turns.get(position)!);
    }
  }
  const [, ...turning] = turns.keys();
  return {
    rows: Uint32Array.from(rows),
    angles: rotary === null ? new Float32Array() : angles(turning, rotary),
  };
}

function angles(positions: readonly number[], { base, dims }: Rotary): Float32Array {
  // Of one position at least: a device binds no empty buffer.
  const table = new Float32Array(Math.max(1, positions.length) * dims);
  for (let pair = 0; pair < dims / 2; pair++) {
    const frequency = base ** ((-2 * pair) / dims);
    positions.forEach((position, n) => {
      table[n * dims + 2 * pair] = Math.cos(position * frequency);
      table[n * dims + 2 * pair + 1] = Math.sin(position * frequency);
    });
  }
  return table;
}
