// The threads and the memory that a process may use, from what Node.js and control groups say together.
import { availableParallelism, totalmem } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import { combineLimits, readMachineLimits } from '../../../src/core/machine/machine-limits.js';
import { resolveEngineOptions } from '../../../src/engine/engine-options.js';
import { defaultMemoryBytes } from '../../../src/runs/limits.js';
import { container, makeMachine } from '../../helpers/fake-machine.js';

const system = { parallelism: 8, memoryBytes: 1e9 };
const none = { processors: undefined, memoryBytes: undefined };
const file = '/sys/fs/cgroup/cpu.max';

test('a machine without limits is all there for the process', (t) => {
  t.deepEqual(combineLimits(system, none), { threads: 8, memoryBytes: 1e9, container: {} });
});

const threads = test.macro((t: ExecutionContext, value: number, wanted: number) => {
  const limits = combineLimits(system, { ...none, processors: { value, file } });
  t.is(limits.threads, wanted);
  t.deepEqual(limits.container, value >= 9 ? {} : { processors: { value, file } });
});

for (const [value, wanted] of [
  [0.001, 1],
  [0.5, 1],
  [1, 1],
  [1.5, 1],
  [2, 2],
  [7.99, 7],
  [8, 8],
  [9, 8],
] as const) {
  test(`a quota of ${value} of 8 processors is ${wanted} thread(s)`, threads, value, wanted);
}

test('the less of both limits of memory counts, and who says it', (t) => {
  const limit = { value: 4e8, file: '/sys/fs/cgroup/memory.max' };
  t.deepEqual(combineLimits(system, { ...none, memoryBytes: limit }), {
    threads: 8,
    memoryBytes: 4e8,
    container: { memoryBytes: limit },
  });
  const more = combineLimits(system, { ...none, memoryBytes: { ...limit, value: 2 ** 62 } });
  t.deepEqual(more, { threads: 8, memoryBytes: 1e9, container: {} });
});

test('an engine in a container of half a processor starts one thread, with memory of the container', async (t) => {
  const root = await makeMachine(t, container({ 'cpu.max': '50000 100000', 'memory.max': '100000000' }));
  const limits = readMachineLimits(root);
  t.is(limits.threads, 1);
  t.is(limits.memoryBytes, 1e8);
  const resolved = resolveEngineOptions({}, limits);
  t.is(resolved.threads, 1);
  t.is(resolved.memoryLimitBytes, 7.5e7);
  t.is(defaultMemoryBytes(limits), 2.5e7);
});

test('what the caller asks for holds, whatever the container has', async (t) => {
  const root = await makeMachine(t, container({ 'cpu.max': '50000 100000', 'memory.max': '100000000' }));
  const resolved = resolveEngineOptions({ threads: 3, memoryLimitBytes: 1e12 }, readMachineLimits(root));
  t.is(resolved.threads, 3);
  t.is(resolved.memoryLimitBytes, 1e12);
});

test('this process may use no more than Node.js tells, and at least one thread', (t) => {
  const limits = readMachineLimits();
  t.true(limits.threads >= 1 && limits.threads <= availableParallelism());
  t.true(limits.memoryBytes > 0 && limits.memoryBytes <= totalmem());
});
