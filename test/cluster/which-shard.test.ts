// Which shard a process is, by its flags and by what schedulers put into the environment.
import test from 'ava';
import { whichShard, type AskedNumbers } from '../../src/cluster/which-shard.js';
import { assertRefused } from '../helpers/assertions.js';

type Environment = Readonly<Record<string, string>>;

const is = test.macro((t, asked: AskedNumbers, environment: Environment, expected: string | undefined) => {
  const shard = whichShard(asked, environment);
  t.is(shard && `${shard.number}/${shard.count}`, expected);
});

const array = (id: number, [min, max, count]: readonly number[]): Environment => ({
  SLURM_ARRAY_TASK_ID: String(id),
  SLURM_ARRAY_TASK_MIN: String(min),
  SLURM_ARRAY_TASK_MAX: String(max),
  SLURM_ARRAY_TASK_COUNT: String(count),
});

test('a flag says it', is, { shard: '3/16' }, {}, '3/16');
test('a flag wins over the environment', is, { shard: '3/16' }, array(7, [1, 8, 8]), '3/16');
test('a run that asks for no shards is one run, in an array too', is, {}, array(3, [1, 16, 16]), undefined);
test('an array from 1', is, { shard: 'auto' }, array(3, [1, 16, 16]), '3/16');
test('an array from 0', is, { shard: 'auto' }, array(0, [0, 15, 16]), '1/16');
test('an array in steps', is, { shard: 'auto' }, array(9, [1, 13, 4]), '3/4');
test('an array of one task', is, { shard: 'auto' }, array(5, [5, 5, 1]), '1/1');
test('some tasks of an array again', is, { shards: 16 }, array(7, [3, 7, 2]), '7/16');
test('an Indexed Job', is, { shards: 16 }, { JOB_COMPLETION_INDEX: '0' }, '1/16');
test('an Indexed Job, its last', is, { shard: 'auto', shards: 16 }, { JOB_COMPLETION_INDEX: '15' }, '16/16');

const refused = test.macro((t, asked: AskedNumbers, environment: Environment, what: string) =>
  assertRefused(t, () => whichShard(asked, environment), { code: 'INVALID_OPTION', what }),
);

test('shard 0', refused, { shard: '0/16' }, {}, 'from 1/16 to 16/16');
test('shard 17 of 16', refused, { shard: '17/16' }, {}, 'from 1/16 to 16/16');
test('two numbers of shards', refused, { shard: '3/16', shards: 8 }, {}, 'Expected 16, as');
test('nothing that tells', refused, { shards: 16 }, {}, 'Nothing tells which shard');
test('an index without a number', refused, { shard: 'auto' }, { JOB_COMPLETION_INDEX: '3' }, '--shards');
test('an index that is none', refused, { shards: 4 }, { JOB_COMPLETION_INDEX: 'x' }, 'an integer');
test('an index beyond', refused, { shards: 4 }, { JOB_COMPLETION_INDEX: '4' }, 'from 1 to 4');
test('a task beyond', refused, { shards: 4 }, array(5, [5, 5, 1]), 'from 1 to 4');
test('a task 0 beside a number of shards', refused, { shards: 4 }, array(0, [0, 3, 4]), 'from 1 to 4');
test('an array with gaps', refused, { shard: 'auto' }, array(2, [1, 4, 3]), '--shards');
