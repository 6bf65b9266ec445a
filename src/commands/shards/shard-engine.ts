// An engine that computes as all shards of a run are to be computed.
import type { ShardEngine } from '../../cluster/cut-file.js';
import type { Settings } from '../../config/schemas.js';
import { HeadpoolError } from '../../core/errors.js';
import type { Engine, EngineInfo } from '../../engine/engine.js';
import { formatEngine, HandedBack } from './handed-back.js';
import { startEngine, type EngineSettings } from '../run-work.js';

interface Wanted {
  /** That runs already; it is closed if it is none. */
  readonly engine?: Engine | undefined;
  /** For messages. */
  readonly shard: string;
}

/** @throws HandedBack if there is none here */
export async function startLike(
  settings: EngineSettings & Pick<Settings<'run'>, 'kernel'>,
  wanted: ShardEngine,
  { engine, shard }: Wanted,
): Promise<Engine> {
  if (engine !== undefined && isLike(engine.info, wanted)) return engine;
  await engine?.close();
  const { kernel, instructionSet } = wanted;
  const isa = settings.isa ?? (kernel === 'native' ? instructionSet : undefined);
  const asked = settings.kernel === 'auto' ? kernel : settings.kernel;
  let started: Engine;
  try {
    started = await startEngine({ ...settings, kernel: asked, isa });
  } catch (error) {
    const isUnable = error instanceof HeadpoolError && error.code === 'KERNEL_UNAVAILABLE';
    throw isUnable ? new HandedBack(shard, wanted, error.message) : error;
  }
  if (isLike(started.info, wanted)) return started;
  const { info } = started;
  await started.close();
  throw new HandedBack(shard, wanted, `this is ${formatEngine(info)}`);
}

function isLike(own: EngineInfo, { version, kernel, instructionSet }: ShardEngine): boolean {
  return own.version === version && own.kernel === kernel && own.instructionSet === instructionSet;
}
