// Phases as programs of plain kernels: the readable reference of what a device computes. Matrices of queries times keys
// lie in its memory, and everything is dispatched step by step.
import type { AttendWork, DecodeWork } from '../../../../src/core/protocol/attention-work.js';
import type { ContributeWork } from '../../../../src/core/protocol/layer-work.js';
import { entryWords, unitWords } from '../../../../src/core/protocol/tables.js';
import { append } from '../../../../src/core/lists.js';
import type { TakenPhase } from '../../kernel.js';
import type { Dispatch, Program, ProgramContext } from '../dispatch.js';
import { attendBlock, createMatrices, type Block } from './attend.js';
import { createHeadSums, writeScores, writeWeights } from './outputs.js';
import { cut, matrix } from './place.js';
import {
  readContributions,
  readStatistics,
  readSums,
  RowsReadBack,
  statisticsWidth,
  sumWidth,
} from './read-backs.js';
import { gatherProgram, projectProgram } from './rows.js';

/** Options that the plain kernels don't compute: pages of caches are not read. */
export const plainRefuses: readonly string[] = ['cache', 'caches'];

/** Floats of a matrix of queries times keys, where one query needs no more. */
const mostElements = 2 ** 24;

/** The program of a phase, or undefined where there is no plain kernel for it. */
export function plainProgram(
  { work, units, entries }: TakenPhase,
  context: ProgramContext,
): Program | undefined {
  switch (work.kind) {
    case 'project':
      return projectProgram(work);
    case 'gather':
      return gatherProgram(work, entriesOf(units), entries);
    case 'attend':
    case 'decode':
      return attendProgram(work, entriesOf(units), entries[0]!, context);
    case 'merge':
      // A row is computed in one piece, however many keys it has.
      return { dispatches: [] };
    case 'contribute':
      return contributeProgram(work, entriesOf(units), entries[0]!, context);
    case 'pack':
    case 'rotate':
    case 'append':
    case 'gram':
    case 'peak':
    case 'read':
      return undefined;
    default:
      return work satisfies never;
  }
}

/** The entries that units are of, each once: a table of entries doesn't say where it ends. */
function entriesOf(units: Int32Array): number[] {
  const first = units.filter((_, n) => n % unitWords === 0);
  return [...new Set(first)].sort((a, b) => a - b);
}

function attendProgram(
  work: AttendWork | DecodeWork,
  which: readonly number[],
  entries: Float64Array,
  { views }: ProgramContext,
): Program {
  const group = work.heads / work.kvHeads;
  const extraKeys = work.extra?.count ?? 0;
  const blocks = which.flatMap((entry) => blocksOf(entry, entries, work.kvHeads, group, extraKeys));
  const most = (of: (block: Block) => number): number =>
    blocks.reduce((n, block) => Math.max(n, of(block)), 0);
  const elementsOfHead = most(({ queries, keys }) => queries * (keys + extraKeys));
  const matrices = createMatrices(most(({ queries }) => queries) * group, elementsOfHead * group);
  const headSums = work.weights?.isAdded === true ? createHeadSums(elementsOfHead) : null;
  const rows = group * blocks.reduce((sum, { queries }) => sum + queries, 0);
  const sums = work.logSumExp && new RowsReadBack(rows, sumWidth);
  const statistics = work.statistics && new RowsReadBack(rows, statisticsWidth);

  const dispatches: Dispatch[] = [];
  for (const block of blocks) {
    const { dispatches: attending, steps } = attendBlock(work, entries, block, matrices);
    append(dispatches, attending);
    append(dispatches, writeScores(work, block, steps));
    append(dispatches, writeWeights(work, block, steps, headSums));
    if (sums !== null) append(dispatches, readSums(work, entries, block, steps, sums, views));
    if (statistics !== null) {
      append(dispatches, readStatistics(work, entries, block, steps, statistics, views));
    }
  }
  return {
    dispatches,
    readBacks: [sums, statistics].flatMap((read) => (read === null ? [] : [read.readBack])),
  };
}

/** The blocks of an entry: its queries in runs, of each all key/value heads in their order. */
function blocksOf(
  entry: number,
  entries: Float64Array,
  kvHeads: number,
  group: number,
  extraKeys: number,
): Block[] {
  const word = (index: number): number => entries[entry * entryWords.count + index]!;
  const keys = word(entryWords.keys);
  const queriesOfBlock = Math.max(1, Math.floor(mostElements / Math.max(1, group * (keys + extraKeys))));
  return cut(word(entryWords.queries), Math.min(queriesOfBlock, 2 ** 18)).flatMap(({ first, count }) =>
    Array.from({ length: kvHeads }, (_, kvHead) => ({
      entry,
      kvHead,
      firstQuery: first,
      queries: count,
      keys,
    })),
  );
}

function contributeProgram(
  work: ContributeWork,
  which: readonly number[],
  entries: Float64Array,
  { views }: ProgramContext,
): Program {
  const { gram, valueDim } = work;
  const heads = gram.columns / gram.segmentColumns;
  const matrices = matrix(gram.region, valueDim, valueDim);
  const queriesOf = (entry: number): number => entries[entry * entryWords.count + entryWords.queries]!;
  const queries = which.reduce((sum, entry) => sum + queriesOf(entry), 0);
  const rows = new RowsReadBack(heads * queries, 1);
  const dispatches = which.map((entry) =>
    readContributions(work, entries, { entry, heads, gram: matrices }, rows, views),
  );
  return { dispatches, readBacks: [rows.readBack] };
}
