// The pure parts of the benchmark of a GPU: which rows have bars, and what meets them.
import test from 'ava';
import { gpuBars, softwareBars } from '../../bench/helpers/gpu/bars.js';
import { describeRow, rowTitles, type Row } from '../../bench/helpers/gpu/row.js';
import { wideCases } from '../../bench/helpers/peers/cases.js';
import { describeRatios } from '../../src/measure/pairs.js';
import { summarise } from '../../src/measure/statistics.js';

const row: Row = {
  ...{ case: 'product', against: 'gpujs', flop: 1e9, peakShare: 0.5, use: null },
  pairs: {
    ...{ ours: summarise([1]), theirs: summarise([2]), safeRatio: 2 },
    ...{ ratio: describeRatios([2, 2]), control: describeRatios([1, 1]) },
  },
};
const use = {
  ...{ uploadMs: 1, computeMs: 2, readBackMs: 3, bufferBytes: 1024 },
  ...{ outsideMs: 2.9, submissions: 1 },
};
const layer: Row = { ...row, case: '768/12/2048', against: 'native', use };
const withRatio = (safeRatio: number): Row => ({ ...layer, pairs: { ...row.pairs, safeRatio } });

function isMetOf(rows: readonly Row[]): boolean[] {
  return gpuBars(rows, wideCases).map(({ isMet }) => isMet);
}

test('on a GPU a product and attention are held against its rate of multiply-adds', (t) => {
  t.deepEqual(isMetOf([row, { ...row, peakShare: 0.499 }]), [true, false]);
  const attention: Row = { ...row, case: 'attention', peakShare: 0.35 };
  t.deepEqual(isMetOf([attention, { ...attention, peakShare: 0.349 }]), [true, false]);
});

test('and long layers of 768/12 against the processor, no others', (t) => {
  t.deepEqual(isMetOf([withRatio(10), withRatio(9.9)]), [true, false]);
  t.deepEqual(isMetOf([{ ...layer, against: 'gpujs' }]), []);
  t.deepEqual(
    isMetOf([
      { ...layer, case: '768/12/512' },
      { ...layer, case: '512/8/2048' },
    ]),
    [],
  );
});

test('on the software device a product is held against the plain one, and a call by what it adds', (t) => {
  const bars = (rows: readonly Row[]): boolean[] => softwareBars(rows).map(({ isMet }) => isMet);
  const slow = { ...row, pairs: { ...row.pairs, safeRatio: 1.4 } };
  t.deepEqual(bars([row, slow, { ...row, case: 'attention' }]), [true, false]);
  const short: Row = { ...layer, case: '512/8/16', against: 'gpujs' };
  t.deepEqual(bars([short]), [true, true]);
  t.deepEqual(bars([{ ...short, use: { ...use, outsideMs: 3, submissions: 2 } }]), [false, false]);
  t.deepEqual(bars([layer]), []);
});

test('every row has a cell for each title', (t) => {
  for (const each of [row, layer]) t.is(describeRow(each).length, rowTitles.length);
});
