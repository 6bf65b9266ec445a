// What is said of a round: what happened, how often its shards were begun, and what was wrong.
import type { RoundOptions } from './round.js';
import type { RoundRecord } from './record.js';

export function formatRound(
  { backend, hasHosts }: RoundOptions,
  { seed, seconds, happened, claims }: RoundRecord,
  problems: readonly string[],
): string {
  const where = hasHosts ? 'hosts of their own' : 'one host';
  const faults = [...new Set(happened.map(({ fault }) => fault))].map((fault) => {
    return `${happened.filter((one) => one.fault === fault).length} ${fault}`;
  });
  const again = claims.filter(({ attempt }) => attempt > 1).length;
  const line = [
    ...[`seed ${seed}`, `${backend}, ${where}`, faults.join(', ')],
    ...[`${claims.length} attempts, ${again} of them again`, `${seconds.toFixed(1)} s`],
    problems.length === 0 ? 'all is well' : `${problems.length} PROBLEMS`,
  ].join('; ');
  return [line, ...problems.map((problem) => `  ${problem}`)].join('\n');
}
