// The server of examples/server against the library called in process: the same sequences, as many callers. Server, clients
// and callers are processes of their own and the sides take turns, A B B A …; the server's bytes are compared with the
// library's. What the clients take of the machine is the server's loss: it is said beside the figures.
import { formatShare } from '../src/page/figures.js';
import { readArguments, refuse } from './helpers/arguments.js';
import { askProcess } from './helpers/calls/ask-process.js';
import { barOf, describeRow, rowTitles } from './helpers/calls/row.js';
import { takeTurns } from './helpers/calls/turns.js';
import { noteNoisy, progress, report } from './helpers/outcome.js';
import { clientShare, rowsOf } from './helpers/server/rows.js';
import type { Sample, SampleRequest } from './helpers/server/sample.js';

const leastRounds = 2;

const { json, rounds, seconds, threads } = readArguments('What HTTP adds to the library.', {
  rounds: 6,
  seconds: 4,
  threads: 2,
});
if (!Number.isInteger(rounds) || rounds < leastRounds)
  refuse(`Expected an integer of at least ${leastRounds} for --rounds, got ${rounds}`);
const request: SampleRequest = { threads, seconds };
const ask = (script: string) => () => {
  progress(script);
  return askProcess<Sample>(`../server/${script}`, request);
};
const turns = await takeTurns(rounds, { ours: ask('sample-server'), theirs: ask('sample-in-process') });
const rows = rowsOf(turns);
report(
  {
    benchmark: 'server',
    engines: rows.map(({ engine }) => engine),
    table: [rowTitles, ...rows.map(describeRow)],
    notes: [
      `${rounds} processes a side by turns, ${seconds} s each; ours is the server, theirs the library in process`,
      `The clients took ${formatShare(clientShare(turns.ours))} of the machine under load`,
      ...noteNoisy(rows),
    ],
    bars: rows.flatMap((row) => barOf(row) ?? []),
    figures: { rows, ...turns },
  },
  { json },
);
