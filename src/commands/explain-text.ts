// What `headpool explain` prints: the chain of one key, or the keys that a query attends most.
import {
  rankedKeys,
  type ExplainedRow,
  type Explanation,
  type ScoreSteps,
} from '../attention/explain-row.js';
import { formatCount } from '../page/figures.js';
import { formatTable } from '../page/table.js';

/** A name, a number, and what is to say about it. */
type Line = readonly [name: string, number: string, remark?: string];

/** One key: where it is, then every step in the order of the computation. */
export function formatKey(path: string, row: ExplainedRow, explanation: Explanation): string {
  const { at, steps, reason, because, probability, rank } = explanation;
  const remark = rank === undefined ? '' : `rank ${rank} of ${rankedKeys(row).length}`;
  const lines: Line[] = [
    ...(steps === undefined ? [] : formatSteps(steps)),
    ...(reason === undefined ? [] : [['left out', '', `${reason}: ${because!}`] as const]),
    ...formatSums(row),
    ['weight', formatNumber(probability), remark],
    ...formatHeadScale(row),
  ];
  return `${formatPlace(path, row, ['key', String(at.key)])}\n\n${formatLines(lines)}`;
}

/** The sums of the row, then the keys in `largest` as a table. */
export function formatRow(path: string, row: ExplainedRow, largest: readonly Explanation[]): string {
  const attended = rankedKeys(row).length;
  const leftOut = row.keys.length - attended;
  const counts = `${formatCount(attended)} attended, ${formatCount(leftOut)} left out`;
  const sums = formatLines([...formatSums(row), ...formatHeadScale(row)]);
  const text = `${formatPlace(path, row, ['keys', counts])}\n\n${sums}`;
  if (largest.length === 0) return text;
  const header = ['rank', 'key', 'q·k', 'scaled', 'softcapped', 'alibi', 'bias', 'score', 'weight'];
  const cells = largest.map(({ at, steps, probability, rank }) => {
    const { dot, scaled, softcapped, alibi, bias, biased } = steps!;
    const numbers = [dot, scaled, softcapped, alibi, bias, biased, probability].map(formatNumber);
    return [rank === undefined ? '-' : String(rank), String(at.key), ...numbers];
  });
  const table = formatTable(
    [header, ...cells],
    header.map(() => 'right'),
  );
  return `${text}\n\n${table}`;
}

function formatPlace(path: string, { place }: ExplainedRow, last: readonly [string, string]): string {
  const { batch, head, kvHead, query, position } = place;
  const lines = [
    ['sequence', `${batch} of ${path}`],
    ['head', head === kvHead ? String(head) : `${head}, which reads key/value head ${kvHead}`],
    ['query', position === query ? String(query) : `${query}, at position ${position}`],
    last,
  ];
  return formatTable(lines, ['left', 'left']);
}

function formatSteps({ dot, scale, scaled, softcapped, alibi, bias, biased }: ScoreSteps): Line[] {
  const steps = { 'q·k': dot, scale, scaled, softcapped, alibi, bias, score: biased };
  return Object.entries(steps).map(([name, value]) => [name, formatNumber(value)]);
}

function formatSums({ maximum, logSumExp, sink }: ExplainedRow): Line[] {
  return [
    ...(sink === undefined ? [] : [['sink', formatNumber(sink)] as const]),
    ['maximum', formatNumber(maximum)],
    ['log-sum-exp', formatNumber(logSumExp)],
  ];
}

function formatHeadScale({ headScale }: ExplainedRow): Line[] {
  return headScale === undefined ? [] : [['head scale', formatNumber(headScale)]];
}

function formatLines(lines: readonly Line[]): string {
  return formatTable(
    lines.map(([name, number, remark = '']) => [name, number, remark]),
    ['left', 'right', 'left'],
  );
}

/** Six decimals; an exponent where they would say nothing. */
function formatNumber(value: number): string {
  const size = Math.abs(value);
  const isPlain = value === 0 || !Number.isFinite(value) || (size >= 1e-4 && size < 1e7);
  if (!isPlain) return value.toExponential(6);
  return Number.isFinite(value) ? value.toFixed(6) : String(value);
}
