// The cut of a run into shards, as the settings of the run ask for it; made if there is none.
import { dirname } from 'node:path';
import { readCut, type Cut } from '../../cluster/cut-file.js';
import { placeOf, type PlacedCut } from '../../cluster/find-cut.js';
import { makeCut, obtainCut } from '../../cluster/make-cut.js';
import { cutPathOf } from '../../cluster/shard.js';
import type { Settings } from '../../config/schemas.js';
import { expected } from '../../core/errors.js';
import type { Engine } from '../../engine/engine.js';
import { makeFolder } from '../../files/prepare-outputs.js';
import { standardStream } from '../../runs/request.js';
import { askForShard } from './asked-shard.js';
import { cutRequestOf } from './cut-request.js';
import { startEngine } from '../run-work.js';
import { printNote } from '../terminal.js';

interface Cutting {
  /** How many, if there is no cut yet. */
  readonly shards: number;
  readonly configPath: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * With the engine that was started to make it, if it was made here: all shards compute like it. Who calls closes it.
 * @throws INVALID_OPTION for standard input or output; as a run
 */
export async function openCut(
  settings: Settings<'run'>,
  cutting: Cutting,
): Promise<PlacedCut & { readonly engine: Engine | undefined }> {
  const { input, output } = settings;
  if ([...input, output].includes(standardStream)) {
    throw expected('INVALID_OPTION', 'files as input and output', 'shards', cutting.shards);
  }
  const place = await placeOf(output);
  const cutPath = cutPathOf(place);
  await makeFolder(dirname(cutPath));
  const known = await readCut(cutPath);
  if (known !== undefined) return { cut: known, cutPath, place, engine: undefined };
  const engine = await startEngine(settings);
  try {
    const cut = await obtain(settings, { ...cutting, place, cutPath, engine });
    return { cut, cutPath, place, engine };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

interface Making extends Cutting, Omit<PlacedCut, 'cut'> {
  readonly engine: Engine;
}

function obtain(
  settings: Settings<'run'>,
  { shards, configPath, place, cutPath, engine, signal }: Making,
): Promise<Cut> {
  const make = async (): Promise<Cut> => {
    const asked = { shards, configPath, place, engine: engine.info };
    const { request, options } = await cutRequestOf(settings, asked);
    return makeCut(request, options);
  };
  return obtainCut(cutPath, make, {
    signal,
    isTakingOver: settings.takeOver,
    onWait: ({ message }) => {
      printNote(`headpool: waiting for the cut into ${shards} shards: ${message}`);
    },
  });
}

/**
 * The cut of a run whose shards others compute; one that is there is held against the settings.
 * @throws INVALID_OPTION, INVALID_FILE as the first shard would; as a run
 */
export async function cutForQueue(
  settings: Settings<'run'>,
  cutting: Omit<Cutting, 'configPath'>,
): Promise<Cut> {
  const asked = { ...cutting, configPath: undefined };
  const { engine, ...opened } = await openCut(settings, asked);
  if (engine !== undefined) await engine.close();
  else await askForShard(settings, { number: 1, count: cutting.shards }, { ...asked, ...opened });
  return opened.cut;
}
