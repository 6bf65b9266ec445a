// Laws of growth on made-up cells whose exponents are known: which cells make one, and where a layer's parts cross.
import test from 'ava';
import { fitLaws } from '../../../src/measure/grid/growth.js';
import type { BenchCase, GridLaws, GrowthLaw, MeasuredCell } from '../../../src/measure/grid/results.js';
import { attentionFlop, projectionFlop } from '../../../src/measure/cases/work.js';
import { caseOf, measuredCell } from './grid-case.js';

interface Cost {
  readonly ms?: number;
  readonly phaseMs?: Readonly<Record<string, number>>;
  /** Besides the weights. */
  readonly bytes?: number;
}

/** A cell whose median is 1 ms, without phases, but for what is given. */
function cell(change: Partial<BenchCase>, { ms = 1, phaseMs = {}, bytes = 3072 }: Cost): MeasuredCell {
  const measured = measuredCell(change);
  return {
    ...measured,
    ms: { ...measured.ms, median: ms },
    phaseMs,
    workingBytes: measured.fixedBytes + bytes,
  };
}

const lengths = [64, 128, 256, 512, 1024];
const along = (costOf: (tokens: number) => Cost, change: Partial<BenchCase> = {}, tokens = lengths) =>
  tokens.map((count) => cell({ ...change, tokens: count }, costOf(count)));

const isNear = (found: number | null | undefined, wanted: number): boolean =>
  typeof found === 'number' && Math.abs(found - wanted) < 1e-9 * Math.max(1, Math.abs(wanted));
const lawOf = ({ growth }: GridLaws, quantity: GrowthLaw['quantity']): GrowthLaw | undefined =>
  growth.find((law) => law.quantity === quantity);

test('an exact power of the tokens is found', (t) => {
  const laws = fitLaws(along((tokens) => ({ ms: 0.25 * tokens ** 1.5 })));
  t.is(laws.growth.length, 1, 'no law of what was not measured or does not change');
  const [law] = laws.growth;
  t.like(law, {
    ...{ name: 'layer 32/4/tokens reference x1', axis: 'tokens', quantity: 'time', from: 64, to: 1024 },
    ...{ points: 5, isNoisy: false },
  });
  t.true(isNear(law!.exponent, 1.5) && isNear(law!.factor, 0.25) && isNear(law!.deviation, 0));
  t.true(isNear(law!.interval!.low, 1.5) && isNear(law!.interval!.high, 1.5));
  t.deepEqual(laws.crossovers, []);
});

test('the FLOP of attention alone grow with the square, of a layer with less', (t) => {
  const attention = fitLaws(along(() => ({}), { mode: 'attention' })).growth;
  t.true(isNear(attention[0]!.flopExponent, 2));
  const [layer] = fitLaws(along(() => ({}))).growth;
  t.true(layer!.flopExponent! > 1 && layer!.flopExponent! < 2);
});

test('two cells make no law, three make one without an interval', (t) => {
  const cells = along((tokens) => ({ ms: tokens }));
  t.deepEqual(fitLaws(cells.slice(0, 2)).growth, []);
  t.deepEqual(fitLaws([cells[0]!, cells[1]!, cells[1]!]).growth, [], 'nor three of two lengths');
  const [law] = fitLaws(cells.slice(0, 3)).growth;
  t.is(law!.interval, null);
  t.is(law!.points, 3);
});

test('cells that differ in anything else make laws of their own, in whatever order they come', (t) => {
  const cells = [
    ...along((tokens) => ({ ms: tokens })),
    ...along((tokens) => ({ ms: tokens ** 2 }), { causal: true }),
    ...along((tokens) => ({ ms: tokens ** 3 }), { dtype: 'f16' }),
    ...along((tokens) => ({ ms: tokens ** 4 }), { window: 5 }),
  ].reverse();
  const { growth } = fitLaws(cells);
  t.deepEqual(
    growth.map(({ exponent, from, to }) => [Math.round(1e6 * exponent) / 1e6, from, to]),
    [4, 3, 2, 1].map((exponent) => [exponent, 64, 1024]),
  );
  t.is(new Set(growth.map(({ name }) => name)).size, 4);
});

test('what is missing is left out, and a noisy cell marks its law', (t) => {
  const cells = along((tokens) => ({ ms: tokens }));
  const missing = { status: 'unavailable', case: caseOf({ tokens: 2048 }), reason: 'none' } as const;
  const { growth } = fitLaws([...cells.slice(1), { ...cells[0]!, isNoisy: true }, missing]);
  t.like(growth[0], { points: 5, to: 1024, isNoisy: true });
  const bytes = cells.map((one, n) => ({ ...one, workingBytes: 2000 * 2 ** n, isNoisy: true }));
  t.false(lawOf(fitLaws(bytes), 'memory')!.isNoisy, 'which is counted, not timed');
});

test('sequences, heads and widths have laws as well', (t) => {
  const batches = [1, 2, 8].map((batch) => cell({ batch }, { ms: batch }));
  t.like(fitLaws(batches).growth, [{ axis: 'batch', name: 'layer 32/4/12 batch n reference x1' }]);
  const sizes = (heads: number, headDim: number): Partial<BenchCase> => ({
    ...{ heads, headDim, kvHeads: heads, modelDim: heads * headDim },
  });
  const split = [1, 2, 4].map((heads) => cell(sizes(heads, 32 / heads), { ms: 3 }));
  t.like(fitLaws(split).growth, [{ axis: 'heads', name: 'layer 32/heads/12 reference x1' }]);
  t.true(isNear(fitLaws(split).growth[0]!.exponent, 0) && isNear(fitLaws(split).growth[0]!.flopExponent, 0));
  const added = [1, 2, 4].map((heads) => cell(sizes(heads, 8), { ms: heads }));
  t.like(fitLaws(added).growth, [{ axis: 'heads', name: 'layer 8·heads/heads/12 reference x1' }]);
  const wider = [8, 16, 32].map((headDim) => cell(sizes(4, headDim), { ms: headDim ** 2 }));
  t.like(fitLaws(wider).growth, [{ axis: 'modelDim', from: 32, name: 'layer modelDim/4/12 reference x1' }]);
});

test('as many key/value heads as heads stay as many, fewer stay the same number', (t) => {
  const own = [2, 4, 8].map((heads) => cell({ heads, kvHeads: heads, headDim: 32 / heads }, {}));
  const shared = [2, 4, 8].map((heads) => cell({ heads, kvHeads: 1, headDim: 32 / heads }, {}));
  t.deepEqual(
    fitLaws([...own, ...shared]).growth.map(({ name }) => name),
    ['layer 32/heads/12 reference x1', 'layer 32/heads:1/12 reference x1'],
  );
});

/** Projections at a tenth of the speed of the attention, where `slower` is 10. */
const partsOf = (slower: number) => (tokens: number) => {
  const benchCase = caseOf({ tokens });
  const projectMs = (slower * projectionFlop(benchCase)) / 1e6;
  return {
    ms: projectMs + attentionFlop(benchCase) / 1e6,
    phaseMs: {
      ...{ project: 0.75 * projectMs, output: 0.25 * projectMs },
      ...{ append: attentionFlop(benchCase) / 4e6, attend: (3 * attentionFlop(benchCase)) / 4e6 },
    },
  };
};

test('the parts of a layer have laws of their own, and cost the same where their times say', (t) => {
  const laws = fitLaws(along(partsOf(10)));
  t.deepEqual(
    laws.growth.map(({ quantity }) => quantity),
    ['time', 'projections', 'attention'],
  );
  for (const [quantity, exponent] of [
    ['projections', 1],
    ['attention', 2],
  ] as const) {
    const law = lawOf(laws, quantity);
    t.true(isNear(law!.exponent, exponent) && isNear(law!.flopExponent, exponent));
  }
  // 8·T·d² and 4·T²·d are equal at T = 2·d.
  const [crossover] = laws.crossovers;
  t.like(crossover, { name: 'layer 32/4/tokens reference x1', axis: 'tokens' });
  t.true(isNear(crossover!.at, 640) && isNear(crossover!.flopAt, 64));
});

test('a crossover beyond what was measured is none', (t) => {
  t.is(fitLaws(along(partsOf(100))).crossovers.length, 0);
  t.is(fitLaws(along(partsOf(0.1))).crossovers.length, 0);
});

test('attention alone has no parts, and a part that one cell lacks has no law', (t) => {
  const attend = (tokens: number): Cost => ({ phaseMs: { attend: tokens } });
  t.is(lawOf(fitLaws(along(attend, { mode: 'attention' })), 'attention'), undefined);
  const cells = along(partsOf(1));
  const laws = fitLaws([{ ...cells[0]!, phaseMs: { attend: 1 } }, ...cells.slice(1)]);
  t.is(lawOf(laws, 'projections'), undefined);
  t.not(lawOf(laws, 'attention'), undefined);
  t.deepEqual(laws.crossovers, []);
});

test('memory besides the weights has a law where it changes, and no FLOP', (t) => {
  const laws = fitLaws(along((tokens) => ({ bytes: 512 * tokens })));
  t.like(lawOf(laws, 'memory'), { flopExponent: null, from: 64 });
  t.true(isNear(lawOf(laws, 'memory')!.exponent, 1) && isNear(lawOf(laws, 'memory')!.factor, 512));
  t.is(lawOf(fitLaws(along(() => ({ bytes: 0 }))), 'memory'), undefined);
});

test('no cells have no laws', (t) => {
  t.deepEqual(fitLaws([]), { growth: [], crossovers: [] });
});
