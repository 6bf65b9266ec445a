// What the control groups of Linux leave this process of the machine's processors and memory: of both versions, along
// the whole path of parents. Containers are limited so. Reads files below a root and knows nothing else.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A limit, and the file that says it. */
export interface CgroupLimit {
  readonly value: number;
  readonly file: string;
}

export interface CgroupLimits {
  /** How many processors' time it may use: 0.5, 1.5; undefined without a quota. */
  readonly processors: CgroupLimit | undefined;
  readonly memoryBytes: CgroupLimit | undefined;
}

/** The least limits of the groups that the process is in. @param root of the file system; tests have one of their own */
export function readCgroupLimits(root = '/'): CgroupLimits {
  const groups = readGroups(root);
  const mounts = readMounts(root);
  const foldersOf = (controller: string): readonly Folder[] =>
    groups.flatMap((group) => foldersOfGroup(group, mounts, controller));
  const read = (file: string): string | undefined => readText(join(root, file));
  return {
    processors: least(foldersOf('cpu').map((folder) => readQuota(folder, read))),
    memoryBytes: least(foldersOf('memory').map((folder) => readMemory(folder, read))),
  };
}

/** A line of /proc/self/cgroup: `4:memory:/docker/1f`, of version 2 `0::/docker/1f`. */
interface Group {
  /** Empty = version 2, which has them all. */
  readonly controllers: readonly string[];
  readonly path: string;
}

/** A mounted hierarchy of groups; `top` is the group that its folder shows. */
interface Mount {
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  readonly top: string;
  readonly folder: string;
}

interface Folder {
  readonly version: 1 | 2;
  readonly path: string;
}

function readGroups(root: string): Group[] {
  return linesOf(join(root, 'proc/self/cgroup')).map((line) => {
    const [, controllers = '', ...path] = line.split(':');
    return { controllers: controllers.split(',').filter(Boolean), path: path.join(':') };
  });
}

// 31 23 0:28 /top /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
function readMounts(root: string): Mount[] {
  return linesOf(join(root, 'proc/self/mountinfo')).flatMap((line): Mount[] => {
    const [place = '', source = ''] = line.split(' - ');
    const [, , , top = '', folder = ''] = place.split(' ');
    const [type, , options = ''] = source.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    const version = type === 'cgroup2' ? 2 : 1;
    return [{ version, controllers: options.split(','), top: unescape(top), folder: unescape(folder) }];
  });
}

/** The folders of a group and of its parents, as far as mounts show them. */
function foldersOfGroup(
  { controllers, path }: Group,
  mounts: readonly Mount[],
  controller: string,
): Folder[] {
  const version = controllers.length === 0 ? 2 : 1;
  if (version === 1 && !controllers.includes(controller)) return [];
  const fitting = mounts.filter(
    (mount) => mount.version === version && (version === 2 || mount.controllers.includes(controller)),
  );
  const showing = fitting.flatMap((mount) => {
    const below = pathBelow(mount.top, path);
    return below === undefined ? [] : [{ folder: mount.folder, below }];
  });
  // In a namespace of its own a container may see a path that no mount shows; what is mounted is its own group then.
  const seen = showing.length > 0 ? showing : fitting.map(({ folder }) => ({ folder, below: [] }));
  return seen.flatMap(({ folder, below }) =>
    [...below.keys(), below.length].map((depth) => ({
      version,
      path: [folder, ...below.slice(0, depth)].join('/'),
    })),
  );
}

/** The folders from group `top` down to `path`; undefined if it isn't below it. */
function pathBelow(top: string, path: string): string[] | undefined {
  const [above, all] = [partsOf(top), partsOf(path)];
  if (all.includes('..') || above.some((part, n) => part !== all[n])) return undefined;
  return all.slice(above.length);
}

function partsOf(path: string): string[] {
  return path.split('/').filter(Boolean);
}

type Read = (file: string) => string | undefined;

/** Microseconds of a period: `cpu.max` of version 2 says "50000 100000", or "max 100000". */
function readQuota({ version, path }: Folder, read: Read): CgroupLimit | undefined {
  const file = `${path}/${version === 2 ? 'cpu.max' : 'cpu.cfs_quota_us'}`;
  const [quota = '', period = '100000'] =
    version === 2 ? (read(file) ?? '').trim().split(' ') : [read(file), read(`${path}/cpu.cfs_period_us`)];
  const value = parse(quota) / parse(period);
  return value > 0 && value < Infinity ? { value, file } : undefined;
}

function readMemory({ version, path }: Folder, read: Read): CgroupLimit | undefined {
  const file = `${path}/${version === 2 ? 'memory.max' : 'memory.limit_in_bytes'}`;
  const value = parse(read(file) ?? '');
  return value > 0 ? { value, file } : undefined;
}

/** Digits; NaN for anything else, `max` and the -1 of no quota among it. */
function parse(text: string): number {
  return /^\d+$/.test(text.trim()) ? Number(text) : NaN;
}

function least(limits: readonly (CgroupLimit | undefined)[]): CgroupLimit | undefined {
  return limits.reduce(
    (a, b) => (b === undefined || (a !== undefined && a.value <= b.value) ? a : b),
    undefined,
  );
}

/** Spaces and the like are written as octal numbers: `\040`. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

function linesOf(path: string): string[] {
  return (readText(path) ?? '').split('\n').filter(Boolean);
}

/** Nothing where there is no such file, as on other systems, or none that may be read. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
