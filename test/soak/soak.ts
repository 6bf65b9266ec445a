// `npm run test:soak`: full load on one engine for as long as asked for, then a table of its windows and what went wrong.
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { formatCount } from '../../src/page/figures.js';
import { formatTextTable, type Column } from '../../src/page/table.js';
import { formOf } from './form.js';
import { findProblems } from './judge.js';
import type { Window } from './record.js';
import { runSoak } from './run-soak.js';

const { minutes } = await yargs(hideBin(process.argv))
  .usage(
    'npm run test:soak -- [options]\n\nKeeps an engine busy, with aborts and killed workers, and looks for what is left behind.',
  )
  .option('minutes', { type: 'number', default: 20, describe: 'how long' })
  .strict()
  .parseAsync();

const form = formOf(minutes);
const record = await runSoak(form);

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
const columns: readonly Column<Window>[] = [
  { title: 'until s', value: ({ endSeconds }) => endSeconds },
  { title: 'calls', value: ({ calls }) => calls, format: formatCount },
  { title: 'aborted', value: ({ aborted }) => aborted },
  { title: 'kills', value: ({ kills }) => kills },
  { title: 'least MB', value: ({ leastBytes }) => leastBytes, format: megabytes },
  { title: 'held MB', value: ({ heldBytes }) => heldBytes, format: megabytes },
  { title: 'threads', value: ({ threads }) => threads },
];
const { calls, engine, windows } = record;
const problems = findProblems(record, form);
process.stdout.write(
  [
    formatTextTable({ columns, rows: windows }),
    '',
    `calls   ${JSON.stringify(calls)}`,
    `engine  ${JSON.stringify(engine)}`,
    ...(problems.length === 0 ? ['All is well'] : problems),
    '',
  ].join('\n'),
);
// A call that never ended would keep its engine open.
process.exit(problems.length === 0 ? 0 : 1);
