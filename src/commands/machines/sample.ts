// A run as it is sampled: its real cut, stored in a hidden folder on the disk of its output, where some shards are computed.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { writeCut, type Cut } from '../../cluster/cut-file.js';
import { cutRun, type ShardWork } from '../../cluster/cut-run.js';
import { placeOf } from '../../cluster/find-cut.js';
import { toStored } from '../../cluster/make-cut.js';
import { cutPathOf, type ShardedOutput } from '../../cluster/shard.js';
import type { Settings } from '../../config/schemas.js';
import { expected } from '../../core/errors.js';
import type { EngineInfo } from '../../engine/engine.js';
import { attempt, unlessMissing } from '../../files/attempt.js';
import { standardStream } from '../../runs/request.js';
import { cutRequestOf } from '../shards/cut-request.js';
import { startEngine } from '../run-work.js';

export interface Sample {
  /** Of the run. */
  readonly configPath: string;
  readonly folder: string;
  /** Where shards write, in the folder. */
  readonly place: ShardedOutput;
  readonly engine: EngineInfo;
  readonly cut: Cut;
  /** Of each shard. */
  readonly works: readonly ShardWork[];
  /** How long it took to make and to store the cut. */
  readonly cutMs: number;
}

/** Cuts a run, for what `use` does with the sample; nothing is left of it after. @throws as the run itself would */
export async function withSample<T>(
  run: Settings<'run'>,
  { configPath, shards }: { readonly configPath: string; readonly shards: number },
  use: (sample: Sample) => Promise<T>,
): Promise<T> {
  if ([...run.input, run.output].includes(standardStream)) {
    throw expected('INVALID_OPTION', 'a run from files to files', 'run', configPath);
  }
  const engine = await describeEngine(run);
  const { output, isFolder } = await placeOf(run.output);
  const folder = await makeHiddenFolder(isFolder ? output : dirname(output));
  try {
    const place = { output: isFolder ? join(folder, 'output/') : join(folder, basename(output)), isFolder };
    const startMs = performance.now();
    const { request, options } = await cutRequestOf(
      { ...run, report: undefined },
      { shards, configPath, place, engine },
    );
    const made = await cutRun(request, options.planner, shards);
    const cut = toStored(request, made, options);
    await writeCut(cutPathOf(place), cut);
    const cutMs = performance.now() - startMs;
    return await use({ configPath, folder, place, engine, cut, works: made.works, cutMs });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function describeEngine(run: Settings<'run'>): Promise<EngineInfo> {
  const engine = await startEngine({ ...run, threads: 1 });
  await engine.close();
  return engine.info;
}

/** In a folder, or in the nearest one above it that is there. */
async function makeHiddenFolder(path: string): Promise<string> {
  let parent = resolve(path);
  while ((await unlessMissing(stat(parent))) === undefined) parent = dirname(parent);
  return attempt(parent, 'create a folder in it', () => mkdtemp(join(parent, '.headpool-sample-')));
}
