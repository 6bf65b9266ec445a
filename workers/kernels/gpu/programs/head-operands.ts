// The operands of one query head of one entry: where they begin, and how much of them a block of queries and keys takes.
import type { AttentionWork } from '../../../../src/core/protocol/attention-work.js';
import type { Strided } from '../../../../src/core/protocol/strided.js';
import { entryWords } from '../../../../src/core/protocol/tables.js';
import type { AttentionGiven } from '../attend/given.js';
import type { ColumnsOutput } from './attend-dispatches.js';
import type { BindingLimit, Stretch, Whole, Window } from './binding-limit.js';

/** Of query i and key j there are the `width` elements from start + i · queryStride + j · keyStride on. */
export interface HeadOperand {
  readonly name: string;
  readonly of: Whole;
  readonly elementBytes: number;
  readonly start: number;
  readonly queryStride: number;
  readonly keyStride: number;
  readonly width: number;
}

/** Queries [firstQuery, endQuery) and keys [firstKey, endKey). */
export interface Block {
  readonly firstQuery: number;
  readonly endQuery: number;
  readonly firstKey: number;
  readonly endKey: number;
}

export type HeadOperands = ReadonlyMap<string, HeadOperand>;

export function headOperands(
  { query, key, value, output, rules, extra, heads, kvHeads, headDim, valueDim }: AttentionWork,
  { entries }: Pick<AttentionGiven, 'entries'>,
  columns: readonly ColumnsOutput[],
  { entry, head }: { readonly entry: number; readonly head: number },
): HeadOperands {
  const kvHead = Math.floor(head / (heads / kvHeads));
  const byQuery = (of: Strided, offset: number, width: number) => ({
    of: of.data,
    start: startOf(of, offset, head),
    queryStride: of.rowStride,
    width,
  });
  const byKey = (of: Strided, offset: number, width: number) => ({
    of: of.data,
    start: startOf(of, offset, kvHead),
    keyStride: of.rowStride,
    width,
  });
  const startOf = (of: Strided, offset: number, ofHead: number): number =>
    of.offset + entries[entry * entryWords.count + offset]! + ofHead * of.headStride;
  const byBoth = (of: Whole, place: Omit<Strided, 'data'>, width = 1) => ({
    of,
    start: place.offset + entry * place.entryStride + head * place.headStride,
    queryStride: place.rowStride,
    keyStride: place.columnStride,
    width,
  });
  const operands: Readonly<
    Record<string, Partial<HeadOperand> & Pick<HeadOperand, 'of' | 'start' | 'width'>>
  > = {
    query: byQuery(query, entryWords.queryOffset, headDim),
    key: byKey(key, entryWords.keyOffset, headDim),
    value: byKey(value, entryWords.valueOffset, valueDim),
    output: byQuery(output, entryWords.outputOffset, valueDim),
    ...(rules.bias && { bias: byBoth(rules.bias.data, rules.bias) }),
    ...(rules.mask && { mask: { ...byBoth(rules.mask.data, rules.mask), elementBytes: 1 } }),
    // Those of extra keys come after the last key.
    ...Object.fromEntries(
      columns.map(({ name, data, place }) => [
        name,
        byBoth(data, place, 1 + (extra?.count ?? 0) * place.columnStride),
      ]),
    ),
  };
  return new Map(
    Object.entries(operands).map(([name, operand]) => [
      name,
      { name, elementBytes: 4, queryStride: 0, keyStride: 0, ...operand },
    ]),
  );
}

/** Elements from the first to the last of some queries and keys. */
export function lengthOf(
  { queryStride, keyStride, width }: HeadOperand,
  queries: number,
  keys: number,
): number {
  return Math.max(queries - 1, 0) * queryStride + Math.max(keys - 1, 0) * keyStride + width;
}

/** The first operand of which a binding doesn't hold the stretch of so many queries and keys. */
export function firstOver(
  limit: BindingLimit,
  operands: HeadOperands,
  queries: number,
  keys: number,
): HeadOperand | undefined {
  return [...operands.values()].find(
    (operand) => !limit.holdsStretch(operand.of, lengthOf(operand, queries, keys), operand.elementBytes),
  );
}

/** What to bind of an operand for a block. */
export function blockWindow(limit: BindingLimit, operand: HeadOperand, block: Block): Window {
  const first = elementAt(operand, block.firstQuery, block.firstKey);
  const { firstQuery, endQuery, firstKey, endKey } = block;
  const end = first + lengthOf(operand, endQuery - firstQuery, endKey - firstKey);
  const stretch: Stretch = { of: operand.of, first, end, elementBytes: operand.elementBytes };
  return limit.windowOf(stretch);
}

export function elementAt(
  { start, queryStride, keyStride }: HeadOperand,
  query: number,
  key: number,
): number {
  return start + query * queryStride + key * keyStride;
}
