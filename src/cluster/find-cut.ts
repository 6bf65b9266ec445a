// The cut of an output, for who knows no more of the run than where it goes.
import { stat } from 'node:fs/promises';
import { HeadpoolError } from '../core/errors.js';
import { findFormat } from '../files/sequences/formats.js';
import { readCut, type Cut } from './cut-file.js';
import { cutPathOf, type ShardedOutput } from './shard.js';

/** A cut, and where it and its output lie. */
export interface PlacedCut {
  readonly cut: Cut;
  readonly cutPath: string;
  readonly place: ShardedOutput;
}

/** What exists is what it is; else a folder is what has no extension of a format. */
export async function placeOf(output: string): Promise<ShardedOutput> {
  const isFolder = await stat(output).then(
    (stats) => stats.isDirectory(),
    () => /[/\\]$/.test(output) || findFormat(output) === undefined,
  );
  return { output, isFolder };
}

/** @throws INVALID_OPTION if there is none */
export async function requireCut(place: ShardedOutput): Promise<Cut> {
  const path = cutPathOf(place);
  const cut = await readCut(path);
  if (cut !== undefined) return cut;
  throw new HeadpoolError(
    'INVALID_OPTION',
    `${place.output} has no shards: there is no ${path}, which the first \`headpool run --shard\` makes`,
  );
}
