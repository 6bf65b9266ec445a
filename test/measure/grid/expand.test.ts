// Lists of settings multiplied into cases.
import test from 'ava';
import { HeadpoolError } from '../../../src/core/errors.js';
import { expandGrid, mostCases, type GridSettings } from '../../../src/measure/grid/expand.js';
import { nameOfCase } from '../../../src/measure/grid/results.js';

const one: GridSettings = {
  ...{ mode: ['layer'], heads: [8], tokens: [16], batch: [1], causal: [false], window: [null] },
  ...{ dtype: ['f32'], options: ['none'], kernel: ['native'], threads: [2] },
};

function namesOf(change: Partial<GridSettings>): string[] {
  return expandGrid([{ ...one, ...change }]).cases.map(nameOfCase);
}

test('lists multiply, and cases of one engine follow one another', (t) => {
  t.deepEqual(namesOf({ tokens: [16, 32], causal: [false, true], kernel: ['native', 'wasm'] }), [
    'layer 512/8/16 native x2',
    'layer 512/8/32 native x2',
    'layer 512/8/16 causal native x2',
    'layer 512/8/32 causal native x2',
    'layer 512/8/16 wasm x2',
    'layer 512/8/32 wasm x2',
    'layer 512/8/16 causal wasm x2',
    'layer 512/8/32 causal wasm x2',
  ]);
});

test('the width of a head follows from that of a token, or the other way round', (t) => {
  const widths = (change: Partial<GridSettings>) =>
    expandGrid([{ ...one, heads: [4, 8], ...change }]).cases.map(({ modelDim, headDim }) => [
      modelDim,
      headDim,
    ]);
  t.deepEqual(widths({ modelDim: [64] }), [
    [64, 16],
    [64, 8],
  ]);
  t.deepEqual(widths({ headDim: [64] }), [
    [256, 64],
    [512, 64],
  ]);
});

test('a width that the heads do not divide is left out and noted once', (t) => {
  const { cases, notes } = expandGrid([{ ...one, heads: [8, 12], modelDim: [512, 768], tokens: [1, 2] }]);
  t.deepEqual(
    [...new Set(cases.map(({ modelDim, heads }) => `${modelDim}/${heads}`))],
    ['512/8', '768/8', '768/12'],
  );
  t.deepEqual(notes, ["modelDim 512 is left out for 12 heads, which don't divide it"]);
});

test('key/value heads that do not divide the heads are left out and noted', (t) => {
  const { cases, notes } = expandGrid([{ ...one, heads: [8, 12], headDim: [64], kvHeads: [8, 12, 2] }]);
  t.deepEqual(
    cases.map(({ heads, kvHeads }) => `${heads}:${kvHeads}`),
    ['8:8', '8:2', '12:12', '12:2'],
  );
  t.is(notes.length, 2);
});

test('a decoding sequence has no later tokens, so causal makes no second case', (t) => {
  t.deepEqual(namesOf({ mode: ['decode'], causal: [false, true], window: [null, 4] }), [
    'decode 512/8/16 native x2',
    'decode 512/8/16 window 4 native x2',
  ]);
});

test('options are an axis, and left out where a call can not be asked them', (t) => {
  const { cases, notes } = expandGrid([
    {
      ...one,
      mode: ['layer', 'decode'],
      window: [null, 4],
      options: ['none', 'lengths-T', 'window-of-all'],
    },
  ]);
  t.deepEqual(cases.map(nameOfCase), [
    'layer 512/8/16 native x2',
    'layer 512/8/16 lengths-T native x2',
    'layer 512/8/16 window-of-all native x2',
    'layer 512/8/16 window 4 native x2',
    'layer 512/8/16 window 4 lengths-T native x2',
    'decode 512/8/16 native x2',
    'decode 512/8/16 window-of-all native x2',
    'decode 512/8/16 window 4 native x2',
  ]);
  t.deepEqual(notes, [
    'options window-of-all are left out beside another window',
    'options lengths-T are left out in mode decode, where the cache knows the lengths',
  ]);
});

test('a GPU has no caches, so mode decode is left out on it', (t) => {
  const { cases, notes } = expandGrid([{ ...one, mode: ['layer', 'decode'], kernel: ['native', 'wgsl'] }]);
  t.deepEqual(cases.map(nameOfCase), [
    'layer 512/8/16 native x2',
    'decode 512/8/16 native x2',
    'layer 512/8/16 wgsl x2',
  ]);
  t.deepEqual(notes, ['mode decode is left out on wgsl, which has no caches']);
});

test('further grids follow, and cells of both are measured once', (t) => {
  const { cases } = expandGrid([one, { ...one, tokens: [16, 32] }, { ...one, mode: ['decode'] }]);
  t.deepEqual(cases.map(nameOfCase), [
    'layer 512/8/16 native x2',
    'layer 512/8/32 native x2',
    'decode 512/8/16 native x2',
  ]);
});

test('what is named twice is measured once', (t) => {
  t.is(namesOf({ tokens: [16, 16], heads: [8, 8] }).length, 1);
});

test('a grid with nothing left says why', (t) => {
  const error = t.throws(() => expandGrid([{ ...one, heads: [7] }]), { instanceOf: HeadpoolError });
  t.is(error.code, 'INVALID_OPTION');
  t.regex(error.message, /at least one cell, but modelDim 512 is left out for 7 heads/);
  const grouped = t.throws(() => expandGrid([{ ...one, kvHeads: [3] }]), { instanceOf: HeadpoolError });
  t.regex(grouped.message, /kvHeads 3 is left out for 8 heads/);
});

test('a grid of far too many cells names its longest list', (t) => {
  const tokens = Array.from({ length: mostCases + 1 }, (_, n) => n + 1);
  const error = t.throws(() => expandGrid([{ ...one, tokens, batch: [1, 2] }]), {
    instanceOf: HeadpoolError,
  });
  t.is(error.code, 'INVALID_OPTION');
  t.regex(error.message, /at most 10000 cells, got 20002; its longest list is `tokens` with 10001 values/);
});
