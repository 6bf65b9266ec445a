// What calls ask of a GPU, from an engine's counts to a cell and back from its file.
import test from 'ava';
import { meanUse } from '../../../src/measure/grid/device-use.js';
import { cellOf } from '../../../src/measure/grid/cells.js';
import { parseResults } from '../../../src/measure/stored-results.js';
import { caseOf, gridResults } from './grid-case.js';

const countsOf = (ms: number, peakBufferBytes: number) => ({
  ...{ uploadMs: ms, computeMs: 2 * ms, readBackMs: 3 * ms, peakBufferBytes },
});

test('times are means of the calls between two moments, and memory is the most', (t) => {
  const before = { calls: 2, device: countsOf(10, 64) };
  const after = { calls: 6, device: countsOf(18, 256) };
  t.deepEqual(meanUse(before, after), {
    device: { uploadMs: 2, computeMs: 4, readBackMs: 6, bufferBytes: 256 },
  });
});

test('an engine without a GPU says nothing', (t) => {
  t.deepEqual(meanUse({ calls: 0 }, { calls: 1 }), {});
});

test('a cell has the medians of its rounds, and its file gives them back', (t) => {
  const rounds = [1, 2, 9].map((ms) => ({
    ...{ ms: [2, 2], peak: 1e9, phaseMs: {} },
    device: { uploadMs: ms, computeMs: 2 * ms, readBackMs: 3 * ms, bufferBytes: 100 * ms },
  }));
  const sizes = { error: 0, residentBytes: 1, workingBytes: 1, fixedBytes: 1, isNoisy: false };
  const cell = cellOf({ case: caseOf({ kernel: 'wgsl' }), rounds, ...sizes });
  t.deepEqual(cell.device, { uploadMs: 2, computeMs: 4, readBackMs: 6, bufferBytes: 900 });
  const results = gridResults({ cells: [cell], adapter: 'a GPU' });
  t.deepEqual(parseResults(JSON.stringify(results), 'x.json'), results);
  t.false('device' in cellOf({ case: caseOf(), rounds: [{ ms: [2, 2], peak: 1, phaseMs: {} }], ...sizes }));
});
