// How many queries and keys of a head a dispatch takes, so that a binding holds what it needs of each operand.
import { carryLength } from '../attend/attend.js';
import { rowsOf, type AttendForm } from '../attend/form.js';
import { statisticsOfRow } from '../attend/row-statistics.js';
import { largest, type BindingLimit } from './binding-limit.js';
import { firstOver, lengthOf, type HeadOperands } from './head-operands.js';

export interface HeadToCut {
  readonly form: AttendForm;
  readonly limit: BindingLimit;
  readonly operands: HeadOperands;
  readonly queries: number;
  readonly keys: number;
  readonly canCutKeys: boolean;
}

export interface BlockSizes {
  readonly queries: number;
  readonly keys: number;
}

/**
 * As many keys as fit beside one query, all or a multiple of the keys of a tile; then as many queries.
 * @throws MEMORY_LIMIT where not even a tile of keys fits beside one query
 */
export function chooseBlocks(head: HeadToCut): BlockSizes {
  const keys = keysPerRange(head);
  return { queries: queriesPerBlock(head, keys), keys };
}

function keysPerRange({ form, limit, operands, keys, canCutKeys }: HeadToCut): number {
  const fits = (count: number): boolean => firstOver(limit, operands, 1, count) === undefined;
  if (fits(keys)) return keys;
  const { tileKeys } = form;
  const tiles = canCutKeys ? largest(Math.floor(keys / tileKeys), (count) => fits(count * tileKeys)) : 0;
  if (tiles > 0) return tiles * tileKeys;
  throw refusal({ limit, operands }, canCutKeys ? Math.min(tileKeys, keys) : keys);
}

function queriesPerBlock({ form, limit, operands, queries, keys }: HeadToCut, range: number): number {
  const carrying: AttendForm = { ...form, carry: range < keys };
  const holdsRows = (byteLength: number): boolean => limit.holds({ kind: 'scratch', byteLength });
  const count = largest(
    queries,
    (rows) =>
      holdsRows(stateBytes(carrying, rows)) &&
      holdsRows(4 * statisticsOfRow * rows) &&
      firstOver(limit, operands, rows, range) === undefined,
  );
  if (count === 0) throw limit.refusal('numbers of rows', stateBytes(carrying, 1));
  const tile = rowsOf(form);
  return count === queries || count < tile ? count : count - (count % tile);
}

function refusal({ limit, operands }: Pick<HeadToCut, 'limit' | 'operands'>, keys: number): Error {
  const over = firstOver(limit, operands, 1, keys)!;
  return limit.refusal(over.name, lengthOf(over, 1, keys) * over.elementBytes);
}

/** Bytes of what the first pass leaves of the rows of a block, and of what it carries from range to range. */
export function stateBytes(form: AttendForm, rows: number): number {
  const carried = form.carry ? carryLength(form, Math.ceil(rows / rowsOf(form))) : 0;
  return 4 * (2 * rows + carried);
}
