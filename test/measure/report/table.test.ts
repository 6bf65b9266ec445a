// Numbers and tables as people read them.
import test from 'ava';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatFlop,
  formatTable,
} from '../../../src/page/table.js';

test('columns are aligned, and lines carry no blanks at their end', (t) => {
  const rows = [
    ['a', '1', 'x'],
    ['long', '200', ''],
  ];
  t.is(formatTable(rows, ['left', 'right', 'left']), 'a       1  x\nlong  200');
});

test('quantities carry the unit that fits', (t) => {
  t.is(formatCount(1234567.4), '1,234,567');
  t.is(formatBytes(0), '0 B');
  t.is(formatBytes(1536 * 2 ** 20), '1.5 GiB');
  t.is(formatFlop(12.34e9), '12.3 GFLOP');
  t.is(formatDuration(850), '850 ms');
  t.is(formatDuration(12_340), '12.3 s');
  t.is(formatDuration(245_000), '4 min 05 s');
});
