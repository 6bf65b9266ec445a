// Numbers as people read them.
import test from 'ava';
import {
  absent,
  formatBytes,
  formatCount,
  formatDecimals,
  formatDuration,
  formatFigure,
  formatFlop,
  formatQuantity,
  formatRange,
  formatRatio,
  formatShare,
  formatTick,
  formatTokens,
} from '../../src/page/figures.js';

test('quantities carry the unit that fits', (t) => {
  t.is(formatCount(1234567.4), '1,234,567');
  t.is(formatBytes(0), '0 B');
  t.is(formatBytes(1536 * 2 ** 20), '1.5 GiB');
  t.is(formatFlop(12.34e9), '12.3 GFLOP');
  t.is(formatDuration(850), '850 ms');
  t.is(formatDuration(12_340), '12.3 s');
  t.is(formatDuration(245_000), '4 min 05 s');
  t.is(formatDuration(94_200_000), '26 h 10 min');
  t.is(formatQuantity(1, 'cell'), '1 cell');
  t.is(formatQuantity(2000, 'cell'), '2,000 cells');
});

test('figures have about three digits, whatever their size', (t) => {
  const figures = [1234.4, 99.96, 12.34, 1.234, 0.04567, 0, -12.34, 1.2e-7];
  const texts = ['1,234', '100', '12.3', '1.23', '0.0457', '0', '-12.3', '1.2e-7'];
  t.deepEqual(figures.map(formatFigure), texts);
  for (const format of [formatFigure, formatShare]) t.is(format(Number.NaN), absent);
});

test('decimals are fewer the larger a number is, and one at least', (t) => {
  t.deepEqual(
    [0.5, 5, 50, 500, 5000].map((value) => [formatDecimals(value), formatDecimals(value, 4)]),
    [
      ['0.50', '0.500'],
      ['5.00', '5.000'],
      ['50.0', '50.00'],
      ['500.0', '500.0'],
      ['5000.0', '5000.0'],
    ],
  );
});

test('shares are percentages, with as many decimals as are asked for', (t) => {
  t.deepEqual(
    [0.714, 0.0123, 0, 1].map((share) => formatShare(share)),
    ['71 %', '1.2 %', '0 %', '100 %'],
  );
  t.is(formatShare(0.0123, 0), '1 %');
  t.is(formatShare(0.875, 1), '87.5 %');
});

test('a ratio that is not 1 does not look like 1', (t) => {
  const texts = ['1.00', '1.20', '1.002', '0.9996', '1.5e+4', '0.0010'];
  t.deepEqual([1, 1.2, 1.002, 0.9996, 15000, 0.001].map(formatRatio), texts);
});

test('ranges, ticks and tokens', (t) => {
  t.is(formatRange({ low: 1, high: 23.45 }, formatFigure), '1.00 to 23.4');
  t.is(formatRange({ low: 1, high: 2 }, String, '…'), '1…2');
  t.deepEqual([0.25, 1500, 200_000].map(formatTick), ['0.25', '1,500', '200k']);
  t.is(formatTokens(16_384), '16,384');
  t.is(formatTokens(16_384, true), '16Ki');
});
