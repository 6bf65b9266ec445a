// Statistics as lines of JSON: form, names and numbers.
import test from 'ava';
import { formatStatistics, type DescribedSequences } from '../../src/runs/statistics-lines.js';
import type { HeadStatistics } from '../../src/attention/result.js';
import { createTensor } from '../../src/core/tensor/tensor.js';

const measures = [
  'entropy',
  'meanDistance',
  'first',
  'self',
  'previous',
  'next',
  'largest',
  'outputNorm',
] as const;

/** Statistics of 2 heads that count up. */
function countUp(entries: number): HeadStatistics {
  const tensors = measures.map((name, measure) => {
    const data = Float32Array.from({ length: 2 * entries }, (_, n) => 100 * measure + n);
    return [name, createTensor([entries, 2], data)] as const;
  });
  return Object.fromEntries(tensors) as unknown as HeadStatistics;
}

function linesOf(sequences: DescribedSequences, statistics: HeadStatistics): Record<string, unknown>[] {
  const text = Buffer.from(formatStatistics(sequences, statistics)).toString();
  checkEnd(text);
  return text.split('\n').slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>); // prettier-ignore
}

function checkEnd(text: string): void {
  if (text !== '' && !text.endsWith('\n')) throw new Error('a line without an end');
}

test('each sequence is a line with its number, its tokens and a number a head of every measure', (t) => {
  const lines = linesOf({ lengths: [3, 0], first: 7, entry: 0 }, countUp(2));
  t.is(lines.length, 2);
  t.deepEqual(Object.keys(lines[0]!), ['sequence', 'tokens', ...measures]);
  t.like(lines[0]!, { sequence: 7, tokens: 3, entropy: [0, 1], outputNorm: [700, 701] });
  t.like(lines[1]!, { sequence: 8, tokens: 0, entropy: [2, 3], outputNorm: [702, 703] });
});

test('sequences that stand after those of other targets take their own entries', (t) => {
  const [line] = linesOf({ lengths: [3], first: 0, entry: 4 }, countUp(5));
  t.like(line!, { sequence: 0, entropy: [8, 9] });
});

test('names are kept, and a sequence without one has no id', (t) => {
  const names = ['a "quoted" name', null, 0, ''];
  const lines = linesOf({ lengths: [1, 1, 1, 1], names, first: 0, entry: 0 }, countUp(4));
  t.deepEqual(lines.map(({ id }) => id), ['a "quoted" name', undefined, 0, '']); // prettier-ignore
});

test('no sequences are no bytes', (t) => {
  t.is(formatStatistics({ lengths: [], first: 0, entry: 0 }, countUp(1)).length, 0);
});

test('numbers keep every bit of float32', (t) => {
  const odd = [0.1, 1 / 3, 1.17549435e-38, 3.4028234e38, 1e-45, 16777217].map(Math.fround);
  const statistics = { entropy: createTensor([1, odd.length], odd) } as unknown as HeadStatistics;
  const [line] = linesOf({ lengths: [1], first: 0, entry: 0 }, statistics);
  t.deepEqual((line!.entropy as number[]).map(Math.fround), odd);
});
