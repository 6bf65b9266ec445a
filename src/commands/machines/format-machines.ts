// What `headpool scale --machines` says: the prediction, what it was held against, and how many machines are enough.
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatFigure,
  formatFlop,
  formatQuantity,
  formatRange,
  formatShare,
} from '../../page/figures.js';
import { formatTextTable, type Column } from '../../page/table.js';
import type { MachinesResults, PredictedMachines } from '../outputs/machines-output.js';

export function formatMachines(results: MachinesResults): string {
  const { title, version, kernel, instructionSet, machine, run, shards, inputs, tokens, flop } = results;
  const head = [
    `${title}: headpool ${version}, kernel ${kernel} (${instructionSet}), node ${machine.node}`,
    `${machine.cpu}, ${machine.parallelism} of ${machine.cores} cores, ${machine.platform}`,
    `${run}: ${formatQuantity(inputs, 'input')}, ${formatCount(tokens)} tokens, ${formatFlop(flop)}, in ${formatQuantity(shards, 'shard')}`,
  ];
  return [
    head.join('\n'),
    `Predicted, not measured: machines like this one, ${formatQuantity(results.threads, 'thread')} each\n${formatPredicted(results)}`,
    `Measured: some shards, by one process and by two at once on this machine\n${formatChecks(results)}`,
    [...describeCosts(results), describeEnough(results)].join('\n'),
  ].join('\n\n');
}

const percent = (share: number): string => formatShare(share, 0);

const predictedColumns: readonly Column<PredictedMachines>[] = [
  { title: 'machines', value: ({ machines }) => machines, format: formatCount },
  { title: 'time', value: ({ ms }) => ms, format: formatDuration },
  {
    title: '90 %',
    value: ({ interval }) => interval.low,
    show: ({ interval }) => formatRange(interval, formatDuration),
  },
  { title: 'speed-up', value: ({ speedUp }) => speedUp, format: formatFigure },
  { title: 'efficiency', value: ({ efficiency }) => efficiency, format: percent },
  { title: 'waiting for the last', value: ({ waitShare }) => waitShare, format: percent },
];

function formatPredicted({ predicted }: MachinesResults): string {
  return formatTextTable({ columns: predictedColumns, rows: predicted });
}

const checkColumns: readonly Column<MachinesResults['checks'][number]>[] = [
  { title: 'processes', value: ({ processes }) => processes },
  { title: 'shards', value: ({ shards }) => shards, format: formatCount },
  { title: 'measured', value: ({ measuredMs }) => measuredMs, format: formatDuration },
  { title: 'predicted', value: ({ predictedMs }) => predictedMs, format: formatDuration },
  { title: 'difference', value: ({ difference }) => difference, format: formatDifference },
  { title: 'whole run here, predicted', value: ({ runMs }) => runMs, format: formatDuration },
];

function formatChecks({ checks }: MachinesResults): string {
  return formatTextTable({ columns: checkColumns, rows: checks });
}

function formatDifference(difference: number): string {
  return `${difference < 0 ? '' : '+'}${formatShare(difference, 1)}`;
}

function describeCosts(results: MachinesResults): string[] {
  const { shardMs, startMs, slowdown, cutMs, mergeMs, mergeBytes } = results.costs;
  const copied = `${formatBytes(mergeBytes)} in about ${formatDuration(mergeMs)}`;
  return [
    `A shard takes about ${formatDuration(shardMs)}, of them ${formatDuration(startMs)} to start and to end.`,
    `Two at once on this machine take ${slowdown.toFixed(2)} times as long each. The upper table is without that: there each machine has one.`,
    `The cut takes ${formatDuration(cutMs)} before the first shard; the merge after the last one: ${mergeBytes === 0 ? 'nothing to copy' : copied}.`,
    ...adviseShards(results),
  ];
}

/** Of a shard or of the machines' time: more of it is worth a word. */
const muchShare = 0.1;

function adviseShards({ costs: { shardMs, startMs }, predicted }: MachinesResults): string[] {
  if (startMs > muchShare * shardMs) return ['Larger shards (fewer `--shards`) start less often.'];
  if (predicted.at(-1)!.waitShare < muchShare) return [];
  return ['Smaller shards (more `--shards`) make machines wait less for the last ones.'];
}

function describeEnough({ enough: { machines, gain }, predicted, shards }: MachinesResults): string {
  const most = predicted.at(-1)!.machines;
  const twice = (count: number): string => {
    const saved = percent(gain);
    return `${formatCount(2 * count)} would ${saved === '0 %' ? 'take as long' : `take ${saved} less time`}`;
  };
  if (machines === null) return `Even ${formatQuantity(most, 'machine')} are not too many: ${twice(most)}.`;
  const few = 2 * machines > shards ? `, for there are ${formatQuantity(shards, 'shard')}` : '';
  return `${formatQuantity(machines, 'machine')} ${machines === 1 ? 'is' : 'are'} enough: ${twice(machines)}${few}.`;
}
