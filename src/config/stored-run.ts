// The settings of a run as they lie beside its output for workers of a queue: all that its bytes depend on. What a machine
// computes with is the worker's to say.
import { expected, invalidFile } from '../core/errors.js';
import { fieldsOf } from './fields.js';
import { checkSettings, type Settings } from './schemas.js';

/** Each machine has its own, or the cut tells them. */
const ofMachines: ReadonlySet<string> = new Set(['threads', 'kernel', 'isa', 'device', 'memory', 'shards']);

export type StoredRun = Readonly<Record<string, unknown>>;
export type MachineSettings = Pick<Settings<'work'>, 'threads' | 'device' | 'memory'> &
  Partial<Pick<Settings<'run'>, 'kernel' | 'isa'>>;

/** Those of a run, in the order of its schema. */
export function storeRun(settings: Settings<'submit'>): StoredRun {
  const given: StoredRun = settings;
  const names = [...fieldsOf('run').keys()].filter(
    (name) => !ofMachines.has(name) && given[name] !== undefined,
  );
  return Object.fromEntries(names.map((name) => [name, given[name]]));
}

/** @param path where they lie @throws INVALID_FILE naming a setting that is wrong */
export function restoreRun(path: string, stored: StoredRun, machine: MachineSettings): Settings<'run'> {
  // Of dead processes: nobody else can say so.
  const result = checkSettings('run', { ...stored, ...machine, takeOver: true });
  if ('settings' in result) return result.settings;
  if ('unknown' in result)
    throw invalidFile(path, 'settings of a run', result.unknown, stored[result.unknown]);
  const { field } = result;
  throw invalidFile(path, fieldsOf('run').get(field)!.expectation, field, stored[field]);
}

/**
 * The same settings with other paths.
 * @param change gives what a path becomes; told the setting that it stands in
 */
export async function changePaths(
  stored: StoredRun,
  change: (path: string, name: string) => Promise<string>,
): Promise<StoredRun> {
  const entries = Object.entries(stored).map(async ([name, value]) => {
    if (fieldsOf('run').get(name)?.isPath !== true) return [name, value] as const;
    const paths = (Array.isArray(value) ? value : [value]) as unknown[];
    const changed = await Promise.all(paths.map((path) => change(textOf(path, name), name)));
    return [name, Array.isArray(value) ? changed : changed[0]] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

function textOf(path: unknown, name: string): string {
  if (typeof path === 'string' && path !== '-') return path;
  throw expected('INVALID_OPTION', 'a file', name, path);
}
