// The table that `headpool run` prints at its end, and the rows that a dry run has too.
import { formatBytes, formatCount, formatDuration, formatShare } from '../page/figures.js';
import type { LeftOut } from '../files/list-folder.js';
import { formatTable } from '../page/table.js';
import { formatStates, type StateCounts } from './file-states.js';
import type { RunReport } from './outputs/run-output.js';

export type Row = [string, string];

const mostListed = 10;

export function formatSummary(report: RunReport): string {
  const { modelDim, heads, kvHeads, headDim, kernel, instructionSet, elapsedMs, phaseMs, outputs } = report;
  const { resumedSequences, nonFinite, failures, verified, found, leftOut, gone } = report;
  const computedMs = Object.values(phaseMs).reduce((sum, ms) => sum + ms, 0);
  const rows: Row[] = [
    ['sequences', formatCount(report.sequences)],
    ['tokens', formatCount(report.tokens)],
    ...when(resumedSequences > 0, 'resumed', `${formatCount(resumedSequences)} sequences were there`),
    ...when(
      nonFinite.numbers > 0,
      'not finite',
      `${formatCount(nonFinite.numbers)} numbers (NaN, infinities) in ${formatCount(nonFinite.sequences)} sequences of the inputs`,
    ),
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
    ...when(isResumed(found), 'found', formatStates(found)),
    ...list(
      'gone',
      gone.map(({ input, output }) => `${input}; ${output} stays`),
    ),
    ...formatLeftOut(leftOut),
    ...when(verified !== null, 'verified', formatVerified(verified)),
    ...when(failures.length > 0, 'skipped', `${formatCount(failures.length)}, exit code 3`),
  ];
  return formatTable(rows, ['left', 'left']);
}

/** Whether there was anything of an earlier run. */
function isResumed(found: StateCounts): boolean {
  return Object.entries(found).some(([state, count]) => state !== 'new' && count > 0);
}

export function formatLeftOut(leftOut: readonly LeftOut[]): Row[] {
  const rows = leftOut.map(({ path, reason }) => `${path} (${reason})`);
  return [
    ...when(rows.length > 0, 'left out', `${formatCount(rows.length)} of the folders' files`),
    ...list('', rows),
  ];
}

function when(condition: boolean, name: string, value: string): Row[] {
  return condition ? [[name, value]] : [];
}

export function list(name: string, values: readonly string[]): Row[] {
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
