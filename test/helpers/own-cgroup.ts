// A control group of our own below that of this process, where the machine lets a test make one.
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

const period = 100_000;

/** Where groups of processor time usually are, and which of their files say a quota. */
const hierarchies = [
  {
    top: '/sys/fs/cgroup',
    controller: '',
    filesOf: (time: number) => ({ 'cpu.max': `${time} ${period}` }),
  },
  ...['cpu', 'cpu,cpuacct'].map((name) => ({
    top: `/sys/fs/cgroup/${name}`,
    controller: 'cpu',
    filesOf: (time: number) => ({ 'cpu.cfs_period_us': String(period), 'cpu.cfs_quota_us': String(time) }),
  })),
];

/** A group with the time of so many processors, and nobody in it; undefined where none can be made. */
async function createGroup(processors: number): Promise<string | undefined> {
  for (const { top, controller, filesOf } of hierarchies) {
    const group = join(top, await ownPath(controller), `headpool-test-${process.pid}`);
    try {
      await mkdir(group);
    } catch {
      continue;
    }
    try {
      for (const [file, text] of Object.entries(filesOf(processors * period))) {
        // Of files that are there: in a plain folder, a new one would limit nothing.
        await writeFile(join(group, file), text, { flag: 'r+' });
      }
      return group;
    } catch {
      await rmdir(group);
    }
  }
  return undefined;
}

/** The group of this process. */
async function ownPath(controller: string): Promise<string> {
  const lines = (await readFile('/proc/self/cgroup', 'utf8').catch(() => '')).split('\n');
  const fields = lines.map((line) => line.split(':'));
  return fields.find(([, controllers]) => controllers?.split(',').includes(controller))?.[2] ?? '/';
}

async function findProblem(): Promise<string | undefined> {
  const group = await createGroup(1);
  if (group === undefined) return 'no control group can be made here';
  await rmdir(group);
  return undefined;
}

/** Why tests can't have a group; undefined if they can. */
export const cpuGroupProblem = await findProblem();

/** What runs a program with the time of so many processors until the test ends. */
export async function limitProcessors(t: ExecutionContext, processors: number): Promise<readonly string[]> {
  const group = (await createGroup(processors))!;
  t.teardown(() => rmdir(group));
  return ['sh', '-c', `echo $$ > ${join(group, 'cgroup.procs')} && exec "$@"`, 'sh'];
}
