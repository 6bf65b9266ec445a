// `npm run test:cluster`: rounds of faults, each with other ones, with every server of queues and kind of host that there
// can be here.
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { findProblems } from './judge.js';
import { formatRound } from './report.js';
import { lockSeconds, playRound } from './round.js';
import { findScenes } from './scenes.js';
import { prepareWork } from './work.js';

const { rounds, seed: first } = await yargs(hideBin(process.argv))
  .usage(
    'npm run test:cluster -- [options]\n\nComputes a run by workers that are killed, put to sleep and cut off, through a server that stops, and compares its bytes with those of one plain run.',
  )
  .option('rounds', { type: 'number', default: 20, describe: 'how many' })
  .option('seed', { type: 'number', default: 1, describe: 'of the first one; each other has the next' })
  .strict()
  .parseAsync();

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const scenes = findScenes();
const possible = scenes.filter(({ problem }) => problem === undefined);
for (const { title, problem } of scenes) if (problem !== undefined) say(`skipped, ${title}: ${problem}`);

await using work = await prepareWork();
let failed = 0;
for (let round = 0; round < rounds && possible.length > 0; round++) {
  const options = { ...possible[round % possible.length]!, seed: first + round };
  const record = await playRound(work, options);
  const problems = findProblems(record, lockSeconds);
  if (problems.length > 0) failed++;
  say(formatRound(options, record, problems));
}
if (possible.length === 0) say('no round can be played here');
else say(failed === 0 ? 'All is well' : `${failed} of ${rounds} rounds failed`);
process.exitCode = failed > 0 || possible.length === 0 ? 1 : 0;
