// What `headpool info` says of the machine where a container leaves less of it.
import test from 'ava';
import { memoryRow, whyThreads } from '../../src/commands/info.js';
import { run } from '../helpers/command.js';
import { cpuGroupProblem, limitProcessors } from '../helpers/own-cgroup.js';
import { testUnless } from '../helpers/skips.js';

const machine = { threads: 8, memoryBytes: 2 ** 34, container: {} };

test('a machine without a container says nothing of one', (t) => {
  t.is(whyThreads(machine), '');
  t.deepEqual(memoryRow(machine), []);
});

test('a container says how much it has, and in which file that stands', (t) => {
  const container = {
    processors: { value: 0.5, file: '/sys/fs/cgroup/cpu.max' },
    memoryBytes: { value: 2 ** 29, file: '/sys/fs/cgroup/memory.max' },
  };
  const limits = { threads: 1, memoryBytes: 2 ** 29, container };
  t.is(whyThreads(limits), ' (a container has the time of 0.5 processors: /sys/fs/cgroup/cpu.max)');
  t.deepEqual(memoryRow(limits), [
    ['memory', '512.0 MiB (a container has no more: /sys/fs/cgroup/memory.max)'],
  ]);
});

testUnless(cpuGroupProblem)(
  'a process in a group of half a processor starts one thread, and says why',
  async (t) => {
    const under = await limitProcessors(t, 0.5);
    const { code, stdout, stderr } = await run('.', ['info'], { under });
    t.is(code, 0, stderr);
    t.regex(stdout, /^threads +1 \(a container has the time of 0\.5 processors: \/sys\/fs\/cgroup\/.*\)$/m);
    const asked = await run('.', ['info', '--threads', '2', '--json'], { under });
    t.like(JSON.parse(asked.stdout), { threads: 2, limits: { threads: 1 } });
  },
);
