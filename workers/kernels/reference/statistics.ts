// Statistics of one row, from its probabilities.
import { rowStatistic, rowStatistics } from '../../../src/core/protocol/statistics.js';
import type { AttentionBlock } from '../kernel.js';
import type { Row } from './row.js';

const { abs, log, max } = Math;

/** Expects the row's probabilities in `scores`. */
export function writeStatistics(block: AttentionBlock, { i, g, scores: p, isAttended }: Row): void {
  const to = block.statistics!;
  const start = to.offset + g * to.headStride + i * to.rowStride;
  const numbers = to.data.subarray(start, start + rowStatistics).fill(0);
  if (!isAttended.includes(1)) return;
  const position = block.position + i;
  let [entropy, distance, largest] = [0, 0, 0];
  for (let j = 0; j < p.length; j++) {
    if (isAttended[j] === 0) continue;
    // p ln p is 0 at 0.
    if (p[j] !== 0) entropy -= p[j]! * log(p[j]!);
    if (j < block.keys) distance += p[j]! * abs(position - j);
    largest = max(largest, p[j]!);
  }
  const of = (j: number): number => (j >= 0 && j < block.keys ? p[j]! : 0);
  numbers[rowStatistic.entropy] = entropy;
  numbers[rowStatistic.distance] = distance;
  numbers[rowStatistic.first] = of(0);
  numbers[rowStatistic.self] = of(position);
  numbers[rowStatistic.previous] = of(position - 1);
  numbers[rowStatistic.next] = of(position + 1);
  numbers[rowStatistic.largest] = largest;
  numbers[rowStatistic.hasAttended] = 1;
}
