// The settings of `headpool run` as what a cut of it is made from.
import type { CutOptions } from '../../cluster/make-cut.js';
import type { ShardedOutput } from '../../cluster/shard.js';
import type { Settings } from '../../config/schemas.js';
import type { EngineInfo } from '../../engine/engine.js';
import { identifyWork } from '../../runs/identity.js';
import type { RunRequest } from '../../runs/request.js';
import { findInputs, requestOf } from '../run-request.js';
import { planOf } from '../run-work.js';

export interface AskedCut {
  readonly shards: number;
  readonly configPath: string | undefined;
  readonly place: ShardedOutput;
  /** That all shards are to be computed by. */
  readonly engine: EngineInfo;
}

/** @throws as `requestOf` */
export async function cutRequestOf(
  settings: Settings<'run'>,
  { shards, configPath, place, engine: { version, kernel, instructionSet } }: AskedCut,
): Promise<{ readonly request: RunRequest; readonly options: CutOptions }> {
  const { files } = await findInputs(settings);
  const { request, layer } = await requestOf(settings, configPath, { inputs: files, ...place });
  const { planner } = planOf(request, layer, settings);
  const work = await identifyWork(request, layer);
  const engine = { version, kernel, instructionSet };
  return { request, options: { shards, planner, work, files, engine, patterns: settings.input } };
}
