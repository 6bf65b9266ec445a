// Many calls, short calls, and short ones beside large ones: ours against onnxruntime-node, and against what the same engine
// reaches when it is left alone. Threads of both sides go on spinning after a call, so each sample is a process of its own
// and the sides take turns, A B B A …; all outputs are compared before anything is timed. Ratios count less the deviation
// of the control, ours against ours. `--rows a,b` chooses among the rows.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readArguments, refuse } from './helpers/arguments.js';
import { groups } from './helpers/calls/groups.js';
import { barOf, describeRow, rowTitles, type Row, type RowGroup } from './helpers/calls/row.js';
import { noteNoisy, report } from './helpers/outcome.js';
import { isInstalled } from './helpers/peers/open-peer.js';

const threads = 2;
const instructionSetOfBars = 'AVX-512';
const leastRounds = 2;

const { json, rounds, seconds, ...chosen } = readArguments(
  'Many calls, short calls, and short ones beside large ones.',
  {
    rows: [],
    rounds: 10,
    seconds: 1.5,
  },
);
if (!Number.isInteger(rounds) || rounds < leastRounds)
  refuse(`Expected an integer of at least ${leastRounds} for --rounds, got ${rounds}`);
const selected = selectGroups(chosen.rows);
const folder = await mkdtemp(join(tmpdir(), 'headpool-calls-'));
const measured: Row[] = [];
try {
  for (const group of selected) {
    const found = await group.measure({ folder, rounds, seconds, threads });
    measured.push(...found.filter(({ name }) => isChosen(name, chosen.rows)));
  }
} finally {
  await rm(folder, { recursive: true });
}
const haveBars = measured.every(({ engine }) => engine.instructionSet === instructionSetOfBars);
const rows = haveBars ? measured : measured.map((row) => ({ ...row, goal: null }));
report(
  {
    benchmark: 'calls',
    engines: rows.map(({ engine }) => engine),
    table: [rowTitles, ...rows.map(describeRow)],
    notes: [
      `${rounds} processes a side by turns, ${seconds} s each, ${threads} threads a side: medians over them, with the ` +
        'interval of the median; bars are held against ratios and shares less the deviation of the control',
      ...(haveBars ? [] : [`Figures only: bars hold where ${instructionSetOfBars} is`]),
      ...noteNoisy(rows),
    ],
    bars: rows.flatMap((row) => barOf(row) ?? []),
    figures: rows,
  },
  { json },
);

function selectGroups(names: readonly string[]): readonly RowGroup[] {
  const known = groups.flatMap((group) => group.names);
  for (const name of names) {
    if (!known.includes(name)) refuse(`Expected some of ${known.join(', ')} for --rows, got ${name}`);
  }
  const found = groups.filter((group) => group.names.some((name) => isChosen(name, names)));
  if (found.some(({ hasPeer }) => hasPeer) && !isInstalled('onnxruntime-node'))
    refuse('onnxruntime-node is not installed: npm run bench:peers:install');
  return found;
}

function isChosen(name: string, names: readonly string[]): boolean {
  return names.length === 0 || names.includes(name);
}
