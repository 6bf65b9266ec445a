// What control groups leave of a machine, read from file systems made up for it.
import test, { type ExecutionContext } from 'ava';
import { readCgroupLimits } from '../../../src/core/machine/cgroup-limits.js';
import { container, makeMachine, type FakeMachine } from '../../helpers/fake-machine.js';

const says = test.macro(
  async (
    t: ExecutionContext,
    machine: FakeMachine,
    processors: readonly [value: number, file: string] | undefined,
    memory?: readonly [value: number, file: string],
  ) => {
    const limits = readCgroupLimits(await makeMachine(t, machine));
    t.deepEqual(limits, { processors: limitOf(processors), memoryBytes: limitOf(memory) });
  },
);

function limitOf(limit: readonly [value: number, file: string] | undefined) {
  return limit && { value: limit[0], file: limit[1] };
}

test('half a processor in a container', says, container({ 'cpu.max': '50000 100000' }), [
  0.5,
  '/sys/fs/cgroup/cpu.max',
]);
test('a period of its own', says, container({ 'cpu.max': '30000 20000' }), [1.5, '/sys/fs/cgroup/cpu.max']);
test('no quota', says, container({ 'cpu.max': 'max 100000' }), undefined);
test(
  'memory of a container',
  says,
  container({ 'cpu.max': 'max 100000', 'memory.max': '536870912' }),
  undefined,
  [2 ** 29, '/sys/fs/cgroup/memory.max'],
);
test('no limit of memory', says, container({ 'memory.max': 'max' }), undefined);
test('the root group of a machine, which has no such files', says, container({}), undefined);
for (const [what, text] of [
  ['nothing', ''],
  ['a word', 'lots'],
  ['a negative number', '-1 100000'],
  ['a quota without time', '0 100000'],
  ['a period without time', '50000 0'],
  ['a fraction', '0.5 100000'],
] as const) {
  test(`a quota that is ${what} is none`, says, container({ 'cpu.max': text }), undefined);
}

const nested = ['0::/work.slice/app.service/job'];
const wholeTree = ['cgroup2 / /sys/fs/cgroup'];
test(
  'the least limit on the way up counts',
  says,
  {
    groups: nested,
    mounts: wholeTree,
    files: {
      '/sys/fs/cgroup/work.slice/cpu.max': '400000 100000',
      '/sys/fs/cgroup/work.slice/app.service/cpu.max': '150000 100000',
      '/sys/fs/cgroup/work.slice/app.service/job/cpu.max': '200000 100000',
      '/sys/fs/cgroup/work.slice/memory.max': '1000000',
      '/sys/fs/cgroup/work.slice/app.service/memory.max': '2000000',
      '/sys/fs/cgroup/work.slice/app.service/job/memory.max': 'max',
    },
  },
  [1.5, '/sys/fs/cgroup/work.slice/app.service/cpu.max'],
  [1e6, '/sys/fs/cgroup/work.slice/memory.max'],
);
test(
  'the groups of other processes do not count',
  says,
  {
    groups: nested,
    mounts: wholeTree,
    files: {
      '/sys/fs/cgroup/work.slice/other/cpu.max': '10000 100000',
      '/sys/fs/cgroup/work.slice/app.service/job/below/cpu.max': '10000 100000',
      '/sys/fs/cgroup/other.slice/cpu.max': '10000 100000',
    },
  },
  undefined,
);

const old = {
  groups: ['9:name=systemd:/', '4:memory:/docker/1f', '2:cpuset:/', '1:cpu,cpuacct:/docker/1f'],
  unlimited: '9223372036854771712',
};
test(
  'version 1, all of its tree mounted',
  says,
  {
    groups: old.groups,
    mounts: [
      'cgroup / /sys/fs/cgroup/cpu,cpuacct rw,cpu,cpuacct',
      'cgroup / /sys/fs/cgroup/memory rw,memory',
    ],
    files: {
      '/sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_quota_us': '50000',
      '/sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_period_us': '100000',
      '/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us': '-1',
      '/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us': '100000',
      '/sys/fs/cgroup/memory/docker/1f/memory.limit_in_bytes': old.unlimited,
      '/sys/fs/cgroup/memory/docker/memory.limit_in_bytes': '1000000',
    },
  },
  [0.5, '/sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_quota_us'],
  [1e6, '/sys/fs/cgroup/memory/docker/memory.limit_in_bytes'],
);
test(
  'version 1, the group of the container mounted',
  says,
  {
    groups: old.groups,
    mounts: [
      'cgroup /docker/1f /sys/fs/cgroup/cpu rw,cpu,cpuacct',
      'cgroup /docker/1f /sys/fs/cgroup/memory rw,memory',
    ],
    files: {
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '250000',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '2000000',
    },
  },
  [2.5, '/sys/fs/cgroup/cpu/cpu.cfs_quota_us'],
  [2e6, '/sys/fs/cgroup/memory/memory.limit_in_bytes'],
);
test(
  'both versions beside each other',
  says,
  {
    groups: ['1:cpu:/a', '0::/b'],
    mounts: ['cgroup / /sys/fs/cgroup/cpu rw,cpu', 'cgroup2 / /sys/fs/cgroup/unified'],
    files: {
      '/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us': '300000',
      '/sys/fs/cgroup/cpu/a/cpu.cfs_period_us': '100000',
      '/sys/fs/cgroup/unified/b/memory.max': '4096000',
    },
  },
  [3, '/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us'],
  [4_096_000, '/sys/fs/cgroup/unified/b/memory.max'],
);

for (const [what, path] of [
  ['that its mount does not show', '/kubepods/pod7'],
  ['outside its namespace', '/../pod7'],
] as const) {
  test(
    `a container in a group ${what} has the limits of what is mounted`,
    says,
    {
      groups: [`0::${path}`],
      mounts: ['cgroup2 /elsewhere /sys/fs/cgroup'],
      files: { '/sys/fs/cgroup/cpu.max': '100000 100000' },
    },
    [1, '/sys/fs/cgroup/cpu.max'],
  );
}
test(
  'folders and groups of odd names',
  says,
  {
    groups: ['0::/a:b/c d'],
    mounts: ['cgroup2 / /sys/fs/control\\040groups'],
    files: { '/sys/fs/control groups/a:b/c d/cpu.max': '70000 100000' },
  },
  [0.7, '/sys/fs/control groups/a:b/c d/cpu.max'],
);

for (const [what, machine] of [
  ['without control groups', { groups: [], mounts: [] }],
  ['whose groups are not mounted', { groups: ['0::/a'], mounts: [] }],
  ['with lines of no sense', { groups: ['what', '1:cpu'], mounts: ['cgroup', 'cgroup2 / '] }],
] as const satisfies readonly (readonly [string, FakeMachine])[]) {
  test(`a machine ${what} has no limits`, says, machine, undefined);
}

test('a system without /proc has no limits', (t) => {
  t.deepEqual(readCgroupLimits('/nowhere/at/all'), { processors: undefined, memoryBytes: undefined });
});
