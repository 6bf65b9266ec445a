// One match: its peer and the engines are started, its cases run one after the other, everything is closed again.
import { availableParallelism } from 'node:os';
import { createEngine, type Engine, type EngineInfo } from '../../../src/index.js';
import { calibratePeak, type PeakMeter } from '../../../src/measure/peak.js';
import type { BarLine } from '../../../src/measure/grid/bars.js';
import { noteNoisy, progress } from '../outcome.js';
import { nameOf, refuseLarge, refuseLong, selectCases } from './cases.js';
import { drawInputs, runContest, type Contest } from './contest.js';
import { createFastest } from './fastest-form.js';
import type { Match } from './matches.js';
import type { Peer, PeerForm } from './peer.js';
import type { LayerCase } from '../layer.js';

export interface MatchOptions {
  readonly threads: number;
  /** For each contest. */
  readonly seconds: number;
  /** Names of cases; none are all. */
  readonly names: readonly string[];
  /** Runs cases that take long, too. */
  readonly all: boolean;
}

export interface MatchResult {
  readonly engines: readonly EngineInfo[];
  readonly contests: readonly Contest[];
  readonly bars: readonly BarLine[];
  readonly notes: readonly string[];
}

export async function runMatch(match: Match, options: MatchOptions): Promise<MatchResult> {
  const threads = Math.min(options.threads, match.mostThreads ?? Infinity);
  const allThreads = Math.min(availableParallelism(), match.mostThreads ?? Infinity);
  const peer = await match.open(threads);
  const notes = [introduce(peer)];
  const engines: { readonly engine: Engine; readonly peak: PeakMeter }[] = [];
  const contests: Contest[] = [];
  try {
    for (const workers of new Set([peer.threads, threads])) {
      const engine = await createEngine({ threads: workers, kernel: match.kernel });
      engines.push({ engine, peak: await calibratePeak(engine) });
    }
    for (const shape of selectCases(match.cases, options.names)) {
      const { forms, refusals } = chooseForms(shape, peer, { ...options, threads });
      notes.push(...refusals.map((reason) => `${nameOf(shape)}, left out: ${reason}`));
      if (forms.length === 0) continue;
      progress(`${nameOf(shape)} against ${peer.name}`);
      const inputs = drawInputs(shape);
      const theirs = await createFastest(forms, inputs);
      for (const ours of engines) {
        contests.push(await runContest({ inputs, ...ours, peer, theirs, seconds: options.seconds }));
      }
      await theirs.layer.dispose();
    }
  } finally {
    for (const { engine } of engines) await engine.close();
  }
  const isWhole = threads === allThreads;
  if (!isWhole) notes.push(`No bars: they count on ${countThreads(allThreads)}`);
  notes.push(
    ...noteNoisy(
      contests.map(({ control, shape, peer: { name } }) => ({
        name: `${nameOf(shape)} against ${name}`,
        control,
      })),
    ),
  );
  return {
    contests,
    notes,
    bars: isWhole ? match.bars(contests) : [],
    engines: engines.map(({ engine }) => engine.info),
  };
}

/** The forms that can run, and why the others don't. */
function chooseForms(
  shape: LayerCase,
  peer: Peer,
  { threads, names, all }: MatchOptions,
): { readonly forms: readonly PeerForm[]; readonly refusals: readonly string[] } {
  const isChosen = all || names.length > 0;
  const long = isChosen ? undefined : refuseLong(shape, threads);
  if (long !== undefined) return { forms: [], refusals: [long] };
  const forms: PeerForm[] = [];
  const refusals: string[] = [];
  for (const form of peer.forms) {
    const reason = refuseLarge(shape, form.hasScores(shape));
    if (reason === undefined) forms.push(form);
    else refusals.push(`${peer.name} (${form.name}) takes ${reason}`);
  }
  return { forms, refusals };
}

function introduce({ name, version, threads, note }: Peer): string {
  return `${name} ${version}, ${countThreads(threads)}${note === undefined ? '' : `: ${note}`}`;
}

function countThreads(count: number): string {
  return count === 1 ? '1 thread' : `${count} threads`;
}
