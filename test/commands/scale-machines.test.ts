// `headpool scale --machines` as a user meets it: a small run predicted from some of its shards, and nothing left of them.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { MachinesResults } from '../../src/commands/outputs/machines-output.js';
import { layerFlags } from '../helpers/batch-run.js';
import { run, start } from '../helpers/command.js';
import { makeFolder } from '../helpers/make-folder.js';
import { testOnUnix } from '../helpers/skips.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';

const lengths = Array.from({ length: 60 }, (_, n) => 20 + ((n * 7) % 30));

/** A folder with sequences and the configuration of a run over them. */
async function prepare(t: ExecutionContext, more: Readonly<Record<string, unknown>> = {}) {
  const folder = await makeFolder(t);
  await layerFlags(folder);
  await mkdir(join(folder, 'data'));
  for (const seed of [1, 2]) {
    await writeSequences(join(folder, `data/${seed}.safetensors`), makeSequences(lengths, seed));
  }
  const config = { input: 'data', weights: 'w.safetensors', heads: 2, output: 'y.safetensors', ...more };
  await writeFile(join(folder, 'run.yaml'), JSON.stringify(config));
  const before = await readdir(folder);
  const scale = (...args: string[]) => run(folder, ['scale', '--run', 'run.yaml', ...args]);
  return { folder, before, scale };
}

/** More than any machine should be off by; how near it is shows `npm run bench:plan`. */
const hangLike = 3;

test('a run is predicted, held against two processes, and leaves nothing', async (t) => {
  const { folder, before, scale } = await prepare(t, { report: 'report.json', resume: true });
  const args = ['--machines', '8,2', '--shards', '12', '--threads', '1', '--json', '-o', 'plan.json'];
  const { code, stdout, stderr } = await scale(...args);
  t.is(code, 0, stderr);
  const results = JSON.parse(stdout) as MachinesResults;
  t.deepEqual(JSON.parse(await readFile(join(folder, 'plan.json'), 'utf8')), results);
  t.deepEqual((await readdir(folder)).sort(), [...before, 'plan.json'].sort());
  t.like(results, { benchmark: 'machines', run: 'run.yaml', threads: 1, shards: 12, inputs: 2 });
  t.is(results.tokens, 2 * lengths.reduce((a, b) => a + b));
  const { predicted, checks, costs, enough } = results;
  t.deepEqual(
    predicted.map(({ machines }) => machines),
    [1, 2, 8],
  );
  for (const { ms, interval, machines, speedUp, efficiency } of predicted) {
    t.true(interval.low <= ms && ms <= interval.high);
    t.is(efficiency, speedUp / machines);
    // Costs differ, but not the shards that there are.
    t.true(ms > costs.cutMs + costs.mergeMs);
  }
  t.is(predicted[0]!.speedUp, 1);
  t.true(predicted[1]!.ms < predicted[0]!.ms && predicted[2]!.ms < predicted[1]!.ms);
  t.deepEqual(
    checks.map(({ processes }) => processes),
    [1, 2],
  );
  t.is(checks[1]!.shards, 2 * checks[0]!.shards);
  for (const { predictedMs, measuredMs, difference } of checks) {
    t.is(difference, predictedMs / measuredMs - 1);
    t.true(Math.abs(Math.log(predictedMs / measuredMs)) < Math.log(hangLike), JSON.stringify(checks));
  }
  // Rows of 8 numbers of 4 bytes, and what stands around them.
  t.true(Math.abs(costs.mergeBytes / (results.tokens * 8 * 4) - 1) < 0.05, String(costs.mergeBytes));
  t.true(costs.shardMs >= costs.startMs && costs.startMs > 0 && costs.slowdown > 0);
  t.true(enough.machines === null || enough.machines <= 8);
});

test('the text marks what is predicted and what is measured, and says how many are enough', async (t) => {
  const { folder, before, scale } = await prepare(t, { output: 'out/', shards: 5, threads: 2 });
  // Two files, which stay whole: not to be cut into as many shards as are computed at once.
  const refused = await scale('--machines', '2');
  t.is(refused.code, 2);
  t.regex(refused.stderr, /Expected a run that can be cut into 4 shards or more, and not 2, for `run`/);
  for (const seed of [3, 4, 5]) {
    await writeSequences(join(folder, `data/${seed}.safetensors`), makeSequences(lengths, seed));
  }
  const { code, stdout, stderr } = await scale('--machines', '4', '--shards', '6', '--kernel', 'wasm');
  t.is(code, 0, stderr);
  t.regex(stdout, /kernel wasm/);
  t.regex(stdout, /^run\.yaml: 5 inputs, .* in 6 shards$/m);
  t.regex(
    stdout,
    /^Predicted, not measured: .* 2 threads each\n *machines .*\n +1 .*\n +4 .*\n\nMeasured: .*\n *processes/m,
  );
  t.regex(stdout, /the merge after the last one: nothing to copy\.$/m);
  t.regex(stdout, /^(\d+ machines? (is|are) enough: \d+ would|Even 4 machines are not too many: 8 would) /m);
  t.deepEqual((await readdir(folder)).sort(), [...before].sort());
});

test('a shard that takes longer than there is time is an error, and nothing is left', async (t) => {
  const { folder, before, scale } = await prepare(t);
  const { code, stdout, stderr } = await scale('--machines', '4', '--seconds', '0.05');
  t.is(code, 2, stderr);
  t.is(stdout, '');
  t.regex(
    stderr,
    /^headpool: Expected time for 11 shards, one of which takes longer than that .* `seconds`, got `0.05`/,
  );
  const some = await scale('--machines', '4', '--seconds', '1');
  t.is(some.code, 2, some.stderr);
  t.deepEqual((await readdir(folder)).sort(), [...before].sort());
});

test('what a shard fails by is told', async (t) => {
  const { folder, before, scale } = await prepare(t, { memory: '1KB' });
  const { code, stderr } = await scale('--machines', '4');
  t.is(code, 1, stderr);
  t.regex(stderr, /^headpool: .*memory/i);
  t.deepEqual((await readdir(folder)).sort(), [...before].sort());
});

test('what only the process of a shard finds is told with the shard', async (t) => {
  const { folder, before, scale } = await prepare(t, { nonFinite: 'error' });
  // Its header is whole: nobody knows before rows are read.
  const given = makeSequences([30, 30, 30], 3);
  given.rows.fill(Number.NaN);
  for (const seed of [1, 2]) await writeSequences(join(folder, `data/${seed}.safetensors`), given);
  const { code, stderr } = await scale('--machines', '4', '--shards', '4');
  t.is(code, 1, stderr);
  t.regex(stderr, /^headpool: Shard \d\/4: data\/\d\.safetensors.*NaN/);
  t.deepEqual((await readdir(folder)).sort(), [...before].sort());
});

testOnUnix('a signal ends the processes and leaves nothing', async (t) => {
  const { folder, before } = await prepare(t);
  const { child, finished } = start(folder, ['scale', '--run', 'run.yaml', '--machines', '4']);
  while (!(await readdir(folder)).some((name) => name.startsWith('.headpool-sample-'))) await sleep(20);
  await sleep(500);
  child.kill('SIGTERM');
  const { code, stdout, stderr } = await finished;
  t.is(code, 143, stderr);
  t.is(stdout, '');
  t.is(stderr, 'headpool: Stopped by SIGTERM\n');
  t.deepEqual((await readdir(folder)).sort(), [...before].sort());
});

for (const [args, message] of [
  [['--machines', '4'], /`--machines` needs `--run`/],
  [['--run', 'run.yaml'], /`--run` needs `--machines`/],
  [['--shards', '4'], /`--shards` needs `--machines`/],
  [
    ['--machines', '4', '--run', 'run.yaml', '--workers', '2'],
    /`--machines` and `--workers` can't be used together/,
  ],
  [['--machines', '0', '--run', 'run.yaml'], /from 1 to 10000 for `--machines`/],
  [['--machines', '4', '--run', 'nowhere.yaml'], /nowhere\.yaml/],
] as const) {
  test(`${args.join(' ')} is refused`, async (t) => {
    const { code, stdout, stderr } = await run('.', ['scale', ...args]);
    t.is(code, 2, stderr);
    t.is(stdout, '');
    t.regex(stderr, message);
  });
}
