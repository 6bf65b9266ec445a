// Attention whose operands are larger than a binding of the device, head by head in blocks of queries and, where a head
// has too many of them, in ranges of keys. Its bytes are those of one dispatch.
import { largestOf } from '../../../../src/core/lists.js';
import type { AttentionWork } from '../../../../src/core/protocol/attention-work.js';
import { entryWords } from '../../../../src/core/protocol/tables.js';
import type { AttendForm } from '../attend/form.js';
import type { AttentionGiven } from '../attend/given.js';
import { planAttend } from '../attend/plan.js';
import { statisticsOfRow } from '../attend/row-statistics.js';
import type { Dispatch, Scratch } from '../dispatch.js';
import {
  attendDispatch,
  columnsDispatch,
  columnsOutputs,
  statisticsDispatch,
  type Attended,
  type ColumnsOutput,
} from './attend-dispatches.js';
import { pieceOf, type PieceBlock } from './attention-piece.js';
import { blocksOf, type BindingLimit } from './binding-limit.js';
import { chooseBlocks, stateBytes } from './block-sizes.js';
import { headOperands, type HeadOperands } from './head-operands.js';
import type { RowNumbers } from './read-rows.js';

/** What all pieces have in common. */
interface Cut {
  readonly work: AttentionWork;
  readonly form: AttendForm;
  readonly given: AttentionGiven;
  readonly limit: BindingLimit;
  readonly columns: readonly ColumnsOutput[];
  readonly memoryOf: (byteLength: number) => Scratch;
}

/** A block of queries of a head, and the ranges that its keys are cut into. */
interface HeadBlock {
  readonly entry: number;
  readonly head: number;
  readonly firstQuery: number;
  readonly endQuery: number;
  readonly keys: number;
  readonly keysPerRange: number;
}

/** @throws MEMORY_LIMIT where no cut makes all operands fit */
export function cutAttention(
  work: AttentionWork,
  form: AttendForm,
  given: AttentionGiven,
  limit: BindingLimit,
): Attended {
  const columns = columnsOutputs(work);
  if (work.weights?.isAdded === true) refuseAdded(work, given, limit);
  const memoryOf = work.logSumExp === null ? reusing() : scratchOf;
  const cut: Cut = { work, form, given, limit, columns, memoryOf };
  const attended = headsOf(given).flatMap((place) => {
    const operands = headOperands(work, given, columns, place);
    return blocksOfHead(cut, operands, place).map((block) => attendBlock(cut, operands, block));
  });
  return {
    dispatches: attended.flatMap(({ dispatches }) => dispatches),
    states: attended.map(({ state }) => state),
    statistics: attended.map(({ statistics }) => statistics),
  };
}

/** Their sum over the heads is made by one dispatch, which binds all heads. */
function refuseAdded(work: AttentionWork, { entries, heads }: AttentionGiven, limit: BindingLimit): never {
  const { query, key, value, output, weights, rules } = work;
  limit.require({
    'mean weights': weights!.data,
    query: query.data,
    key: key.data,
    value: value.data,
    output: output.data,
    ...(rules.bias && { bias: rules.bias.data }),
    ...(rules.mask && { mask: rules.mask.data }),
  });
  let rows = 0;
  for (let at = entryWords.queries; at < entries.length; at += entryWords.count) rows += heads * entries[at]!;
  throw limit.refusal('statistics of rows beside mean weights', 4 * statisticsOfRow * rows);
}

/** Living heads in the order of rows. */
function headsOf({ heads, deadHeads, entries }: AttentionGiven) {
  const living = Array.from({ length: heads }, (_, head) => head).filter((head) => !deadHeads.includes(head));
  const count = entries.length / entryWords.count;
  return Array.from({ length: count }, (_, entry) => living.map((head) => ({ entry, head }))).flat();
}

function blocksOfHead(
  { form, given, limit, columns, work }: Cut,
  operands: HeadOperands,
  { entry, head }: Pick<HeadBlock, 'entry' | 'head'>,
): HeadBlock[] {
  const word = (index: number): number => given.entries[entry * entryWords.count + index]!;
  const queries = word(entryWords.queries);
  if (queries === 0) return [];
  // Columns of keys that the entry hasn't are filled.
  const keys = largestOf(
    columns.map(({ place }) => place.extraColumn),
    word(entryWords.keys),
  );
  const canCutKeys = work.statistics === null;
  const sizes = chooseBlocks({ form, limit, operands, queries, keys, canCutKeys });
  return blocksOf(queries, sizes.queries).map(([firstQuery, endQuery]) => ({
    entry,
    head,
    firstQuery,
    endQuery,
    keys,
    keysPerRange: sizes.keys,
  }));
}

interface AttendedBlock {
  readonly dispatches: readonly Dispatch[];
  readonly state: RowNumbers;
  readonly statistics: RowNumbers;
}

function attendBlock(cut: Cut, operands: HeadOperands, block: HeadBlock): AttendedBlock {
  const { entry, head, firstQuery, endQuery, keys, keysPerRange } = block;
  const rows = endQuery - firstQuery;
  const ranges = keys === 0 ? [[0, 0] as const] : blocksOf(keys, keysPerRange);
  const form: AttendForm = { ...cut.form, carry: ranges.length > 1 };
  const memory = cut.memoryOf(stateBytes(form, rows));
  const found = scratchOf(4 * statisticsOfRow * rows);
  const ofRows = { memory, rowState: memory, statistics: found };
  const pieces = ranges.map(([firstKey, endKey], n): RangeOfBlock => {
    const { length } = ranges;
    return { block: { entry, head, firstQuery, endQuery, firstKey, endKey }, isLast: n === length - 1 };
  });
  const dispatches = [
    ...pieces.map((range) => attendRange(cut, form, operands, range, ofRows)),
    ...pieces.flatMap((range) => columnsOfRange(cut, operands, range, ofRows)),
    ...(cut.work.statistics === null ? [] : [statisticsOfBlock(cut, operands, pieces[0]!, ofRows)]),
  ];
  const runs = [{ entry, head, firstQuery, queries: rows }];
  return { dispatches, state: { from: memory, runs }, statistics: { from: found, runs } };
}

interface RangeOfBlock {
  readonly block: PieceBlock;
  readonly isLast: boolean;
}

type OfRows = Readonly<Record<'memory' | 'rowState' | 'statistics', Scratch>>;

function attendRange(
  { given, limit }: Cut,
  form: AttendForm,
  operands: HeadOperands,
  { block, isLast }: RangeOfBlock,
  ofRows: OfRows,
): Dispatch {
  const piece = pieceOf(limit, given, operands, block, 0);
  const range = { first: block.firstKey, end: block.endKey, isLast };
  const plan = planAttend(form, piece.given);
  return attendDispatch(form, plan, { ...piece.operands, ...ofRows }, form.carry ? range : undefined);
}

/** Each number stands for itself, so that a range of keys is an attention of its own. */
function columnsOfRange(
  { form, given, limit, columns }: Cut,
  operands: HeadOperands,
  { block, isLast }: RangeOfBlock,
  ofRows: OfRows,
): Dispatch[] {
  const piece = pieceOf(limit, given, operands, block, block.firstKey);
  const ofPiece = isLast ? piece.given : { ...piece.given, extra: null };
  return columns.map(({ name, writes, place }) => {
    const extraColumn = (isLast ? place.extraColumn : block.endKey) - block.firstKey;
    const output = { writes, place: { ...place, ...piece.placed(name, place), extraColumn } };
    const bound = { ...piece.operands, ...ofRows, columns: piece.operands[name] };
    return columnsDispatch(form, ofPiece, output, bound);
  });
}

function statisticsOfBlock(
  { form, given, limit }: Cut,
  operands: HeadOperands,
  { block }: RangeOfBlock,
  ofRows: OfRows,
): Dispatch {
  const piece = pieceOf(limit, given, operands, block, 0);
  return statisticsDispatch(form, piece.given, { ...piece.operands, ...ofRows });
}

function scratchOf(byteLength: number): Scratch {
  return { kind: 'scratch', byteLength };
}

/** Blocks follow one another, so that what nobody reads back serves all that are alike. */
function reusing(): (byteLength: number) => Scratch {
  const made = new Map<number, Scratch>();
  return (byteLength) => {
    const scratch = made.get(byteLength) ?? scratchOf(byteLength);
    made.set(byteLength, scratch);
    return scratch;
  };
}
