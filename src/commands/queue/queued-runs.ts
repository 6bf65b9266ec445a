// The runs that jobs name, as they lie on the disk: a worker computes what was submitted, under its root, or nothing.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cut } from '../../cluster/cut-file.js';
import { placeOf, requireCut } from '../../cluster/find-cut.js';
import type { JobData } from '../../cluster/queue/job.js';
import type { Root } from '../../cluster/queue/root.js';
import { identifyRunFiles, readRunFile } from '../../cluster/queue/run-file.js';
import { cutPathOf, runPathOf, type ShardedOutput } from '../../cluster/shard.js';
import type { Settings } from '../../config/schemas.js';
import { changePaths, restoreRun, type MachineSettings } from '../../config/stored-run.js';
import { expected, HeadpoolError } from '../../core/errors.js';
import { attempt } from '../../files/attempt.js';

export interface QueuedRunFiles {
  readonly place: ShardedOutput;
  readonly cut: Cut;
  readonly settings: Settings<'run'>;
}

interface KnownRun {
  /** Changes with the files beside the output. */
  readonly key: string;
  readonly run: string;
  readonly files: QueuedRunFiles;
}

export class QueuedRuns {
  readonly #root: Root;
  readonly #machine: MachineSettings;
  /** That of the last job: the next one mostly is of the same run. */
  #last: KnownRun | undefined;

  constructor(root: Root, machine: MachineSettings) {
    this.#root = root;
    this.#machine = machine;
  }

  /**
   * @throws INVALID_OPTION if it names what lies outside of the root, or another run than what lies there; INVALID_FILE,
   * FILE_FAILED
   */
  async open({ run, output, shard, shards }: JobData): Promise<QueuedRunFiles> {
    await this.#root.requireInside(output, 'output');
    const place = await placeOf(output);
    for (const path of [runPathOf(place), cutPathOf(place)]) await this.#root.requireInside(path, 'output');
    const key = await keyOf(place);
    const last = this.#last?.key === key ? this.#last : await this.#read(place, key);
    if (last.run !== run) {
      throw new HeadpoolError(
        'INVALID_OPTION',
        `${output}: the job is of run ${run}, and what lies there is run ${last.run}: other settings, inputs or shards`,
      );
    }
    if (last.files.cut.shards !== shards)
      throw expected('INVALID_OPTION', `${last.files.cut.shards} in a job`, 'shards', shards);
    if (shard !== undefined) await requireInputs(this.#root, last.files, shard);
    return last.files;
  }

  async #read(place: ShardedOutput, key: string): Promise<KnownRun> {
    const run = await identifyRunFiles(place);
    const path = runPathOf(place);
    const stored = await changePaths(await readRunFile(place), async (value, name) => {
      await this.#root.requireInside(value, name);
      return value;
    });
    const settings = restoreRun(path, stored, this.#machine);
    this.#last = { key, run, files: { place, cut: await requireCut(place), settings } };
    return this.#last;
  }
}

/** @throws INVALID_OPTION naming an input of the shard, or an output of it, that lies outside of the root */
export async function requireInputs(
  root: Root,
  { place, cut }: Omit<QueuedRunFiles, 'settings'>,
  shard: number,
): Promise<void> {
  for (const { path, name } of cut.parts[shard - 1]!) {
    await root.requireInside(path, 'input');
    if (place.isFolder) await root.requireInside(join(place.output, name), 'output');
  }
}

async function keyOf(place: ShardedOutput): Promise<string> {
  const keys = [runPathOf(place), cutPathOf(place)].map(async (path) => {
    const { ino, size, mtimeMs } = await attempt(path, 'open', () => stat(path));
    return `${path} ${ino} ${size} ${mtimeMs}`;
  });
  return (await Promise.all(keys)).join('\n');
}
