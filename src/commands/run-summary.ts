// What `headpool run` prints: the estimate of a dry run, the table at the end.
import type { RunEstimate } from '../runs/preflight.js';
import type { RunRequest } from '../runs/request.js';
import type { LoadedLayer } from '../checkpoints/load-layer.js';
import { formatBytes, formatCount, formatDuration, formatFlop, formatShare } from '../page/figures.js';
import { formatTable } from '../page/table.js';
import { formatDefaults } from './layer-text.js';
import type { RunReport } from './run-report.js';

type Row = [string, string];

const mostListed = 10;

export function formatSummary(report: RunReport): string {
  const { modelDim, heads, kvHeads, headDim, kernel, instructionSet, elapsedMs, phaseMs, outputs } = report;
  const { resumedSequences, failures, verified } = report;
  const computedMs = Object.values(phaseMs).reduce((sum, ms) => sum + ms, 0);
  const rows: Row[] = [
    ['sequences', formatCount(report.sequences)],
    ['tokens', formatCount(report.tokens)],
    ...when(resumedSequences > 0, 'resumed', `${formatCount(resumedSequences)} sequences were there`),
    [
      'layer',
      `modelDim ${modelDim}, ${heads} heads of ${headDim}${kvHeads === heads ? '' : `, ${kvHeads} for keys and values`}`,
    ],
    ['kernel', `${kernel} (${instructionSet})`],
    ['threads', String(report.threads)],
    ['elapsed', formatDuration(elapsedMs)],
    ['tokens/s', formatCount(report.tokensPerSecond)],
    ['GFLOP/s', report.gflopPerSecond.toFixed(1)],
    ...Object.entries(phaseMs).map(([phase, ms]): Row => [`  ${phase}`, phaseShare(ms, elapsedMs)]),
    ['  files', phaseShare(elapsedMs - computedMs, elapsedMs)],
    ...list('output', outputs),
    ...when(verified !== null, 'verified', formatVerified(verified)),
    ...when(failures.length > 0, 'skipped', `${formatCount(failures.length)}, exit code 3`),
  ];
  return formatTable(rows, ['left', 'left']);
}

function when(condition: boolean, name: string, value: string): Row[] {
  return condition ? [[name, value]] : [];
}

function list(name: string, values: readonly string[]): Row[] {
  const rows = values.slice(0, mostListed).map((value): Row => [name, value]);
  const more = values.length - rows.length;
  return more > 0 ? [...rows, [name, `and ${formatCount(more)} more`]] : rows;
}

function formatVerified(verified: RunReport['verified']): string {
  if (verified === null) return '';
  return `${formatCount(verified.files)} files, ${formatBytes(verified.bytes)}, every checksum right`;
}

function phaseShare(ms: number, elapsedMs: number): string {
  return `${formatDuration(ms).padEnd(10)} ${formatShare(ms / elapsedMs, 0).padStart(5)}`;
}

export function formatEstimate(
  { inputs, targets, key, value, weights }: RunRequest,
  estimate: RunEstimate,
  { heads, kvHeads, family, name, defaults }: LoadedLayer,
): string {
  const { sequences, tokens, unknownInputs } = estimate;
  const shapes = (['query', 'key', 'value', 'output'] as const).map((name) => {
    return `${name} [${weights[name].weight.shape.join(', ')}]`;
  });
  const rows: Row[] = [
    ...list(
      'input',
      inputs.map(({ path }) => path),
    ),
    ...list('key', key === undefined ? [] : [key]),
    ...list('value', value === undefined ? [] : [value]),
    ['sequences', `${formatCount(sequences)} of ${formatCount(tokens)} tokens`],
    ...list(
      'unknown',
      unknownInputs.map((path) => `${path} (its lengths are known when it is read)`),
    ),
    ['layer', [family, name, ...formatDefaults(defaults)].filter((part) => part !== '').join(', ')],
    ['projections', shapes.join('  ')],
    ['heads', `${heads}${kvHeads === heads ? '' : `, ${kvHeads} for keys and values`}`],
    ['chunks', formatCount(estimate.chunks)],
    ['units', formatCount(estimate.units)],
    ['work', formatFlop(estimate.flop)],
    ['memory', `${formatBytes(estimate.memoryBytes)} besides the process itself`],
    ...list(
      'output',
      targets.map(({ path }) => path),
    ),
    ['', 'nothing was computed or written'],
  ];
  return formatTable(rows, ['left', 'left']);
}
