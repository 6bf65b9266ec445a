// Any combination of shapes, layouts and options, as a fast-check arbitrary. A combination is plain JSON: what a failing
// test prints of it is enough to run it again.
import fc from 'fast-check';
import type { ScoresToReturn } from '../../src/attention/options.js';
import type { CaseOptions } from './attention-case.js';
import { normalTensor, randomMask } from './random.js';
import { without } from './without.js';

type Alignment = 'top-left' | 'bottom-right';

/** One sequence: its tokens and valid keys. */
interface Lengths {
  readonly queries: number;
  readonly keys: number;
}

/** Options absent from a combination are not given; the numbers of those that are `true` come from its seed. */
export interface Combination {
  readonly layout: 'rank 4' | 'rank 3' | 'ragged';
  readonly kvHeads: number;
  readonly group: number;
  readonly headDim: number;
  readonly valueDim: number;
  /** The sequences of a ragged batch; the entries of a dense one all have the lengths of the first. */
  readonly entries: readonly Lengths[];
  readonly seed: number;
  readonly causal?: boolean | Alignment;
  readonly alignment?: Alignment;
  readonly scale?: number;
  readonly softcap?: number;
  readonly window?: { readonly left?: number; readonly right?: number };
  readonly alibiSlopes?: true;
  readonly sinks?: true;
  readonly headScale?: true;
  readonly rope?: {
    readonly base: number;
    readonly dims?: number;
    readonly interleaved?: boolean;
    readonly positions?: 'of tokens' | 'of rows';
  };
  readonly qkNorm?: { readonly epsilon?: number };
  readonly keyLengths?: true;
  /** Which axes of [batch, heads, queries, keys] the operand has. */
  readonly mask?: readonly boolean[];
  readonly bias?: readonly boolean[];
  readonly returnWeights?: boolean | 'mean';
  readonly returnScores?: ScoresToReturn;
  readonly returnLogSumExp?: true;
  readonly headStatistics?: true;
}

/** `arbitrary` for one in three, else undefined. */
const some = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const length = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 47, 48, 49, 63, 64, 65, 66) },
);

const lengths: fc.Arbitrary<Lengths> = fc.oneof(
  fc.record({ queries: length, keys: length }),
  length.map((tokens) => ({ queries: tokens, keys: tokens })),
);

const dims = fc.integer({ min: 1, max: 20 });
const alignment = fc.constantFrom('top-left' as const, 'bottom-right' as const);
const axes = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean());
const distance = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 70 }));

const rope = fc
  .record({
    base: fc.constantFrom(10_000, 500_000, 10, 1),
    dims: some(fc.integer({ min: 1, max: 10 })),
    interleaved: some(fc.boolean()),
    positions: some(fc.constantFrom('of tokens' as const, 'of rows' as const)),
  })
  .map(({ dims: pairs, ...rest }) => withoutUndefined({ ...rest, dims: pairs && 2 * pairs }));

export const anyCombination: fc.Arbitrary<Combination> = fc
  .record({
    layout: fc.constantFrom('rank 4' as const, 'rank 3' as const, 'ragged' as const),
    kvHeads: fc.integer({ min: 1, max: 2 }),
    group: fc.integer({ min: 1, max: 3 }),
    headDim: dims,
    valueDim: dims,
    entries: fc.array(lengths, { minLength: 1, maxLength: 3 }),
    seed: fc.nat({ max: 10_000 }),
    causal: fc.constantFrom(undefined, undefined, false, true, 'top-left' as const, 'bottom-right' as const),
    alignment: some(alignment),
    scale: some(fc.constantFrom(0, -0.5, 0.3)),
    softcap: some(fc.constantFrom(0.5, 2, 30, 1e6)),
    window: some(
      fc.record({ left: some(distance), right: some(distance) }).map((window) => withoutUndefined(window)),
    ),
    alibiSlopes: some(fc.constant(true as const)),
    sinks: some(fc.constant(true as const)),
    headScale: some(fc.constant(true as const)),
    rope: some(rope),
    qkNorm: some(
      fc.record({ epsilon: some(fc.constantFrom(1e-5, 0.5)) }).map((norm) => withoutUndefined(norm)),
    ),
    keyLengths: some(fc.constant(true as const)),
    mask: some(axes),
    bias: some(axes),
    returnWeights: some(fc.constantFrom(true, false, 'mean' as const)),
    returnScores: some(
      fc.constantFrom('scaled' as const, 'softcapped' as const, 'biased' as const, 'probabilities' as const),
    ),
    returnLogSumExp: some(fc.constant(true as const)),
    headStatistics: some(fc.constant(true as const)),
  })
  .map((drawn) => makeAllowed(withoutUndefined(drawn) as Combination));

function withoutUndefined<T extends object>(given: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as never;
}

/** Without what an engine refuses, with the alignment where it has to be stated. */
function makeAllowed(drawn: Combination): Combination {
  const { mask, bias, keyLengths, returnWeights, returnScores, ...rest } = drawn;
  const isRagged = drawn.layout === 'ragged';
  const isTwofold = returnWeights === 'mean' && returnScores === 'probabilities';
  const dense = {
    mask,
    bias,
    keyLengths,
    returnWeights,
    returnScores: isTwofold ? undefined : returnScores,
    entries: drawn.entries.map(() => drawn.entries[0]!),
  };
  const combination: Combination = withoutUndefined({ ...rest, ...(isRagged ? {} : dense) });
  return alignIfNeeded({ ...combination, ...ropeThatFits(combination) });
}

function ropeThatFits({ rope: drawn, headDim, entries }: Combination): Pick<Combination, 'rope'> {
  if (drawn === undefined) return {};
  const { positions, ...rest } = drawn;
  const isSelf = entries.every(({ queries, keys }) => queries === keys);
  const most = headDim - (headDim % 2);
  // No pair to turn: as if there were no rope.
  if (most === 0) return { rope: undefined as never };
  return {
    rope: {
      ...rest,
      ...((rest.dims !== undefined || headDim % 2 === 1) && { dims: Math.min(rest.dims ?? most, most) }),
      ...(isSelf && positions && { positions }),
    },
  };
}

function alignIfNeeded(combination: Combination): Combination {
  const { causal, alignment: drawn, window, alibiSlopes, headStatistics, entries, keyLengths } = combination;
  const { rope: turning } = combination;
  const rest = without(combination, 'alignment', 'rope');
  const given = { ...rest, ...(turning && { rope: turning }) };
  if (typeof causal === 'string') return { ...given, ...(drawn && { alignment: causal }) };
  const isSelf = keyLengths === undefined && entries.every(({ queries, keys }) => queries === keys);
  const isPositional =
    [causal, alibiSlopes, headStatistics].includes(true) ||
    window !== undefined ||
    (turning !== undefined && turning.positions === undefined);
  const stated = drawn ?? (isPositional && !isSelf ? 'bottom-right' : undefined);
  return { ...given, ...(stated && { alignment: stated }) };
}

/** The options of entry n of a ragged batch, or of a whole dense batch, as a case takes them. */
export function caseOptionsOf(combination: Combination, n = 0): CaseOptions {
  const { layout, kvHeads, group, headDim, valueDim, entries, seed } = combination;
  const { causal, alignment: stated, scale, softcap, window, rope: drawn, qkNorm } = combination;
  const [heads, { queries, keys }] = [kvHeads * group, entries[n]!];
  const batch = layout === 'ragged' ? 1 : entries.length;
  const pick = (numbers: readonly number[], step: number): number[] =>
    Array.from({ length: heads }, (_, h) => Math.fround(numbers[(seed + step * h) % numbers.length]!));
  const diagonal = typeof causal === 'string' ? causal : stated;
  return withoutUndefined({
    batch,
    heads,
    kvHeads,
    queries,
    keys,
    headDim,
    valueDim,
    seed: seed + 7 * n,
    scale,
    softcap,
    window,
    causal: causal === undefined || causal === false ? undefined : (diagonal ?? 'top-left'),
    alignment: diagonal,
    keyLengths: combination.keyLengths && entries.map((_, b) => (seed + 3 * b) % (keys + 1)),
    alibiSlopes: combination.alibiSlopes && pick([0.5, 0.0625, 0, -0.1, 1], 1),
    sinks: combination.sinks && pick([0, 1.5, -Infinity, -3, 6], 2),
    headScale: combination.headScale && pick([1, 0, -0.5, 2], 3),
    rope: drawn && withoutUndefined({ ...drawn, positions: positionsOf(combination, n) }),
    qkNorm: qkNorm && {
      ...qkNorm,
      q: normalTensor([headDim], seed + 50_000).data,
      k: normalTensor([headDim], seed + 60_000).data,
    },
    ...masksOf(combination, [batch, heads, queries, keys]),
  });
}

function masksOf({ mask, bias, seed }: Combination, full: readonly number[]) {
  const shapeOf = (own: readonly boolean[]): number[] => full.map((axis, n) => (own[n] ? axis : 1));
  const added = bias && normalTensor(shapeOf(bias), seed);
  if (added) for (let at = seed % 5; at < added.data.length; at += 5) added.data[at] = -Infinity;
  return { mask: mask && randomMask(shapeOf(mask), seed), bias: added };
}

/** Of entry n of a ragged batch, or of a dense batch: of its tokens or of all its rows. Neither sorted nor whole. */
function positionsOf({ rope: drawn, layout, entries, seed }: Combination, n: number): number[] | undefined {
  if (drawn?.positions === undefined) return undefined;
  const count = layout !== 'ragged' && drawn.positions === 'of rows' ? entries.length : 1;
  return Array.from(
    { length: count * entries[n]!.queries },
    (_, row) => ((seed + 31 * n + 17 * row) % 80) / 2 - 5,
  );
}
