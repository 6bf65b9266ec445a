// What every page of results says of where they come from.
import type { GridResults } from '../grid/results.js';
import type { ScalingResults } from '../scaling/results.js';
import { formatBytes, formatDuration } from '../../page/figures.js';
import { formatFacts, type Fact, type Section } from '../../page/parts.js';

/** What a text or a page says of signs that the machine was busy, as a line; none without signs. */
export function describeBusy(signs: readonly string[]): string[] {
  if (signs.length === 0) return [];
  return [`The machine was busy: ${signs.join('; ')}. These figures are not to be trusted.`];
}

/** The machine, and beside it the facts that one sort of results has. */
export function machineSection(
  { machine, version, startedAt, elapsedMs }: GridResults | ScalingResults,
  facts: readonly Fact[],
): Section {
  const { cpu, cores, parallelism, memoryBytes, platform, node, v8 } = machine;
  const own = parallelism === cores ? '' : `, ${parallelism} of them for this process`;
  return {
    id: 'machine',
    title: 'Machine and configuration',
    content: formatFacts([
      ['Processor', cpu],
      ['Logical processors', `${cores}${own}`],
      ['Memory', formatBytes(memoryBytes)],
      ['System', platform],
      ['Node.js', `${node} (V8 ${v8})`],
      ['headpool', version],
      ['Started', formatTime(startedAt)],
      ['Took', formatDuration(elapsedMs)],
      ...facts,
    ]),
  };
}

export function footerOf({ version, startedAt }: GridResults | ScalingResults): string {
  return `headpool ${version}, ${formatTime(startedAt)}`;
}

/** '2025-03-01 09:30 UTC'; what is no time stays as it is. */
function formatTime(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
