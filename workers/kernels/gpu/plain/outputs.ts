// What attention tells beside its output: weights and scores, written where they belong.
import type { AttentionWork, KeyColumns } from '../../../../src/core/protocol/attention-work.js';
import { from } from '../../../../src/core/protocol/strided.js';
import type { Dispatch, Scratch } from '../dispatch.js';
import type { Block, Steps } from './attend.js';
import { createScratch, everywhere, matrix } from './place.js';
import { plainKernels } from './shaders.js';
import type { Placed, Size } from './translate.js';

/** Sums over heads between blocks: no dispatch reads what it writes, so there are two, written in turn. */
export type HeadSums = readonly [Scratch, Scratch];

export function createHeadSums(elements: number): HeadSums {
  return [createScratch(elements), createScratch(elements)];
}

export function writeScores(work: AttentionWork, block: Block, steps: Steps): readonly Dispatch[] {
  if (work.scores === null) return [];
  const { leaveOut, copyRows } = plainKernels();
  const { stage } = work.scores;
  const { attended } = steps;
  const parts = columnParts(work, block, work.scores);
  return [
    ...parts.held.map(({ size, to, column }) =>
      stage === 'biased'
        ? leaveOut.dispatch(size, to, {
            scores: moved(steps.scores, column),
            attended: moved(attended, column),
            instead: -Infinity,
          })
        : copyRows.dispatch(size, to, {
            rows: moved(stage === 'scaled' ? steps.scaled : steps.capped, column),
            factor: 1,
          }),
    ),
    ...parts.fill(-Infinity),
  ];
}

/** Weights times their share, of each head or added up over the heads, which come in their order. */
export function writeWeights(
  work: AttentionWork,
  block: Block,
  { weights }: Steps,
  sums: HeadSums | null,
): readonly Dispatch[] {
  if (work.weights === null) return [];
  const { addHeads, copyRows } = plainKernels();
  const { share } = work.weights;
  const parts = columnParts(work, block, work.weights);
  if (sums === null)
    return [
      ...parts.held.map(({ size, to, column }) =>
        copyRows.dispatch(size, to, { rows: moved(weights, column), factor: share }),
      ),
      ...parts.fill(0),
    ];
  const { kvHead, queries } = block;
  const columns = weights.rowStride;
  const isLast = kvHead === work.kvHeads - 1;
  const of = (turn: number): Placed => matrix(sums[turn % 2]!, queries, columns);
  const before = kvHead === 0 ? everywhere(0) : of(kvHead - 1);
  const heads = work.heads / work.kvHeads;
  const add = (size: Size, to: Placed, column: number): Dispatch =>
    addHeads.dispatch([size[0], size[1], 1], to, {
      before: moved(before, column),
      rows: moved(weights, column),
      heads,
      share,
    });
  if (!isLast) return columns === 0 ? [] : [add([columns, queries, 1], of(kvHead), 0)];
  return [...parts.held.map(({ size, to, column }) => add(size, to, column)), ...parts.fill(0)];
}

interface ColumnPart {
  readonly size: Size;
  readonly to: Placed;
  /** The first of them in the matrices of a block. */
  readonly column: number;
}

/** The keys of a block and the extra ones, which lie apart; between them padding is filled. */
function columnParts(
  { heads, kvHeads, extra }: AttentionWork,
  { entry, kvHead, firstQuery, queries, keys }: Block,
  output: KeyColumns,
): { readonly held: readonly ColumnPart[]; readonly fill: (number: number) => readonly Dispatch[] } {
  const group = heads / kvHeads;
  const start = from(output, { entry, head: kvHead * group, row: firstQuery });
  const part = (count: number, column: number, to: number): ColumnPart => ({
    size: [count, queries, group],
    to: from(start, { column: to }),
    column,
  });
  const held = [part(keys, 0, 0), part(extra?.count ?? 0, keys, output.extraColumn)];
  const padding = part(output.extraColumn - keys, 0, keys);
  const isThere = ({ size }: ColumnPart): boolean => size[0] > 0;
  return {
    held: held.filter(isThere),
    fill: (number) =>
      [padding].filter(isThere).map(({ size, to }) => plainKernels().fillRows.dispatch(size, to, { number })),
  };
}

function moved(operand: Placed, column: number): Placed {
  return { ...operand, offset: operand.offset + column * operand.columnStride };
}
