// How many bytes a run will write at the least, by what the headers of its inputs say: enough to know that a disk won't
// hold them, before anything is computed.
import { stat } from 'node:fs/promises';
import type { ExpectedFile } from '../files/disk-room.js';
import { leastNumberBytes } from '../files/sequences/least-bytes.js';
import type { RunState } from './manifest.js';
import { standardStream, type RunRequest } from './request.js';
import { partialPathOf } from './target.js';

/** What an input has. */
export interface InputSize {
  readonly sequences: number;
  readonly tokens: number;
}

/** @param sizes of the inputs whose headers tell, by number */
export async function expectOutputs(
  request: RunRequest,
  state: RunState,
  sizes: ReadonlyMap<number, InputSize>,
): Promise<ExpectedFile[]> {
  const { targets, inputs, pool, dtype, weights } = request;
  const rows = targets.map(() => 0);
  for (const [input, { sequences, tokens }] of sizes) {
    rows[inputs[input]!.target]! += pool === undefined ? tokens : sequences;
  }
  const width = weights.output.weight.shape[0]!;
  const files: ExpectedFile[] = [];
  // What the last output replaced goes only when all has been written.
  let replacedBytes = 0;
  for (const [number, target] of targets.entries()) {
    const { path, format } = target;
    if (path === standardStream || state.isFinished(number) || rows[number] === 0) continue;
    const rowBytes = width * leastNumberBytes(format, dtype);
    const written = await sizeOf(partialPathOf(path, target));
    files.push({ path, byteLength: rows[number]! * rowBytes - written - replacedBytes });
    replacedBytes = await sizeOf(path);
  }
  return files;
}

/** 0 if there is none. */
async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
