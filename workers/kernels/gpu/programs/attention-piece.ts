// A block of queries and keys of one head as an attention of its own: what its dispatches bind, and what they are told.
import { entryWords } from '../../../../src/core/protocol/tables.js';
import type { AttentionGiven, Place } from '../attend/given.js';
import type { Operands } from './attend-dispatches.js';
import type { BindingLimit } from './binding-limit.js';
import { blockWindow, elementAt, type Block, type HeadOperands } from './head-operands.js';

/** A head of an entry, and the block. */
export interface PieceBlock extends Block {
  readonly entry: number;
  readonly head: number;
}

export interface Piece {
  readonly operands: Operands;
  readonly given: AttentionGiven;
  /** An operand as the piece has it: from the first element of the head and block on, in what is bound of it. */
  placed(name: string, place: Place): Place;
}

/** @param origin the key that the piece has as its first: its first one, or 0 where it knows keys by their places among all */
export function pieceOf(
  limit: BindingLimit,
  whole: AttentionGiven,
  heads: HeadOperands,
  block: PieceBlock,
  origin: number,
): Piece {
  const windows = new Map(
    [...heads].map(([name, operand]) => [name, blockWindow(limit, operand, block)] as const),
  );
  // It may be negative, as may what is added to it: they are taken modulo 2^32.
  const offsetOf = (name: string): number =>
    elementAt(heads.get(name)!, block.firstQuery, origin) - windows.get(name)!.start;
  const placed = (name: string, place: Place): Place => ({
    ...place,
    offset: offsetOf(name),
    entryStride: 0,
    headStride: 0,
  });
  return {
    operands: Object.fromEntries([...windows].map(([name, { bound }]) => [name, bound])),
    given: {
      ...ofHead(whole, block.head),
      ...placesOf(whole, placed),
      entries: entryOf(whole, block, origin),
    },
    placed,
  };
}

function placesOf(
  { query, key, value, output, bias, mask }: AttentionGiven,
  placed: Piece['placed'],
): Pick<AttentionGiven, 'query' | 'key' | 'value' | 'output' | 'bias' | 'mask'> {
  return {
    query: placed('query', query),
    key: placed('key', key),
    value: placed('value', value),
    output: placed('output', output),
    bias: bias && placed('bias', bias),
    mask: mask && placed('mask', mask),
  };
}

/** Its places are those of the operands, so that its own offsets are 0. */
function entryOf({ entries }: AttentionGiven, block: PieceBlock, origin: number): Float64Array {
  const word = (index: number): number => entries[block.entry * entryWords.count + index]!;
  const only = new Float64Array(entryWords.count);
  only[entryWords.queries] = block.endQuery - block.firstQuery;
  only[entryWords.keys] = Math.max(0, Math.min(word(entryWords.keys), block.endKey) - origin);
  only[entryWords.diagonal] = word(entryWords.diagonal) + block.firstQuery - origin;
  return only;
}

/** The numbers of one query head and of its key/value head. */
function ofHead(whole: AttentionGiven, head: number): AttentionGiven {
  const { heads, kvHeads, alibiSlopes, sinks, headScale, extra } = whole;
  const kvHead = Math.floor(head / (heads / kvHeads));
  const share = (numbers: Float32Array, of: number, n: number): Float32Array =>
    numbers.subarray((numbers.length / of) * n, (numbers.length / of) * (n + 1));
  const number = (numbers: Float32Array | null) => numbers && share(numbers, heads, head);
  return {
    ...whole,
    heads: 1,
    kvHeads: 1,
    deadHeads: [],
    alibiSlopes: number(alibiSlopes),
    sinks: number(sinks),
    headScale: number(headScale),
    extra: extra && {
      keys: share(extra.keys, kvHeads, kvHead),
      values: share(extra.values, kvHeads, kvHead),
    },
  };
}
