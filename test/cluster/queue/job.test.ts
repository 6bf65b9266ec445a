// What a job may carry: exactly what ours carry, whoever put it into the queue.
import test from 'ava';
import { jobIdOf, jobOf, parseJob, parseJobId } from '../../../src/cluster/queue/job.js';
import { assertRefused } from '../../helpers/assertions.js';

const run = '0123456789abcdef';
const shard = jobOf({ run, output: 'out/y.npy', shards: 16 }, 3);
const merge = jobOf({ run, output: 'out/y.npy', shards: 16 });

test('a shard and a merge are what they were in JSON', (t) => {
  for (const [name, job] of [
    ['shard', shard],
    ['merge', merge],
    ['shard', { ...shard, cancelled: true }],
  ] as const) {
    const read = JSON.parse(JSON.stringify(job)) as unknown;
    t.deepEqual(parseJob(name, read), job);
  }
});

for (const [what, name, data] of [
  ['another name', 'run', shard],
  ['a name of objects', 'constructor', shard],
  ['no object', 'shard', 'shard'],
  ['a list', 'shard', [shard]],
  ['null', 'shard', null],
  ['another format', 'shard', { ...shard, format: 2 }],
  ['no format', 'shard', { ...shard, format: undefined }],
  ['a run of other letters', 'shard', { ...shard, run: '../../../../etc/p' }],
  ['a run in capitals', 'shard', { ...shard, run: run.toUpperCase() }],
  ['no output', 'shard', { ...shard, output: '' }],
  ['an output that is no text', 'shard', { ...shard, output: ['y.npy'] }],
  ['shard 0', 'shard', { ...shard, shard: 0 }],
  ['a shard after the last', 'shard', { ...shard, shard: 17 }],
  ['a shard in text', 'shard', { ...shard, shard: '3' }],
  ['half a shard', 'shard', { ...shard, shard: 1.5 }],
  ['no shard', 'shard', merge],
  ['a merge of one shard', 'merge', shard],
  ['too many shards', 'shard', { ...shard, shards: 1e9 }],
  ['settings', 'shard', { ...shard, weights: '/etc/passwd' }],
  ['another word for cancelled', 'shard', { ...shard, cancelled: 'yes' }],
] as const) {
  test(`a job with ${what} is refused`, async (t) => {
    await assertRefused(t, () => parseJob(name, data), { code: 'INVALID_OPTION' });
  });
}

test('ids tell run and shard, and those of others tell nothing', (t) => {
  t.deepEqual(parseJobId(jobIdOf(run, 3)), { run, shard: 3 });
  t.deepEqual(parseJobId(jobIdOf(run)), { run });
  for (const id of ['7', 'repeat:x:1', `${run}-0`, `${run}-03`, run, `x${run}-1`])
    t.is(parseJobId(id), undefined);
});
