// The whole layer against its peers in Node, in one run on the same inputs: onnxruntime-node, and three that compute in
// WebAssembly: onnxruntime-web, tfjs, gpu.js. Outputs are compared first; then alternating pairs with an A/A control.
// Rates by 8·T·d² + 4·T²·d, causal 8·T·d² + 2·T²·d. Each peer runs the fastest of the forms in which it can express the
// layer. The ceiling is the ratio that nothing but the layer's multiply-adds would reach. `--peer a,b` and
// `--cases 768/12/512,768/12/512/causal` choose among them.
import { availableParallelism } from 'node:os';
import { readArguments, refuse } from './helpers/arguments.js';
import { checkNames } from './helpers/check-names.js';
import { layerFlop } from './helpers/layer.js';
import { formatRate, formatMedian, report } from './helpers/outcome.js';
import { nameOf, selectCases } from './helpers/peers/cases.js';
import type { Contest } from './helpers/peers/contest.js';
import { matches, type Match } from './helpers/peers/matches.js';
import { isInstalled } from './helpers/peers/open-peer.js';
import { runMatch, type MatchResult } from './helpers/peers/run-match.js';
import { enableRelaxedSimd } from './helpers/relaxed-simd.js';

const { json, seconds, threads, all, ...chosen } = readArguments('The layer against its peers in Node.', {
  seconds: 10,
  threads: availableParallelism(),
  all: false,
  peer: [],
  cases: [],
});
enableRelaxedSimd();
const results: MatchResult[] = [];
for (const match of selectMatches(chosen.peer, chosen.cases)) {
  results.push(await runMatch(match, { threads, seconds, names: chosen.cases, all }));
}

const contests = results.flatMap((result) => result.contests);
report(
  {
    benchmark: 'peers',
    engines: results.flatMap(({ engines }) => engines),
    table: [
      [
        ...['layer', 'peer', 'pairs', 'threads', 'ms', 'GFLOP/s'],
        ...['headpool', 'threads', 'ms', 'GFLOP/s', 'ratio', 'control', 'ceiling', 'difference'],
      ],
      ...contests.map(describeContest),
    ],
    notes: results.flatMap(({ notes }) => notes),
    bars: results.flatMap(({ bars }) => bars),
    figures: contests,
  },
  { json },
);

function describeContest({ shape, peer, engine, ours, theirs, ...found }: Contest): string[] {
  const flop = layerFlop(shape);
  return [
    ...[nameOf(shape), `${peer.name} (${peer.form})`, String(ours.count)],
    ...[String(peer.threads), theirs.median.toFixed(1), formatRate(flop, theirs.median)],
    ...[engine.kernel, String(engine.threads), ours.median.toFixed(1), formatRate(flop, ours.median)],
    ...[
      formatMedian(found.ratio),
      formatMedian(found.control),
      `${found.ceiling.toFixed(2)}x`,
      found.difference.toExponential(0),
    ],
  ];
}

function selectMatches(names: readonly string[], cases: readonly string[]): readonly Match[] {
  checkNames(
    '--peer',
    names,
    matches.map(({ name }) => name),
  );
  const selected = matches.filter(({ name }) => names.length === 0 || names.includes(name));
  checkNames(
    '--cases',
    cases,
    selected.flatMap((match) => match.cases.map(nameOf)),
  );
  const found = selected.filter((match) => selectCases(match.cases, cases).length > 0);
  if (found.every((match) => isInstalled(match.package))) return found;
  refuse('The peers are not installed: npm --prefix bench/peers ci --ignore-scripts');
}
