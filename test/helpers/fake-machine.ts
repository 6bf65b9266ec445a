// A file system of a machine as a process in control groups sees it: the files of /proc and /sys/fs/cgroup in a folder.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { makeFolder } from './make-folder.js';

export interface FakeMachine {
  /** Lines of /proc/self/cgroup. */
  readonly groups: readonly string[];
  /** Of each mount in /proc/self/mountinfo what this reads: 'cgroup2 / /sys/fs/cgroup', 'cgroup / /sys/cpu rw,cpu'. */
  readonly mounts: readonly string[];
  /** What files say. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Its root. */
export async function makeMachine(
  t: ExecutionContext,
  { groups, mounts, files }: FakeMachine,
): Promise<string> {
  const root = await makeFolder(t);
  const mountinfo = mounts.map((mount, n) => {
    const [type = '', top = '', folder = '', options = 'rw'] = mount.split(' ');
    return `${30 + n} 25 0:${n} ${top} ${folder} rw,nosuid shared:${n} - ${type} ${type} ${options}`;
  });
  const other = '25 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw';
  await writeFiles(root, {
    ...files,
    '/proc/self/cgroup': `${groups.join('\n')}\n`,
    '/proc/self/mountinfo': `${[other, ...mountinfo].join('\n')}\n`,
  });
  return root;
}

async function writeFiles(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await writeFile(join(root, path), text.endsWith('\n') ? text : `${text}\n`);
  }
}

/** A container of version 2 with the group of the container mounted as its root. */
export function container(files: Readonly<Record<string, string>>): FakeMachine {
  const placed = Object.entries(files).map(([name, text]) => [`/sys/fs/cgroup/${name}`, text]);
  return {
    groups: ['0::/'],
    mounts: ['cgroup2 / /sys/fs/cgroup'],
    files: Object.fromEntries(placed) as Record<string, string>,
  };
}
