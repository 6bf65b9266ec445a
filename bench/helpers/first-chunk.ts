// `headpool run` from its start to its first chunk, and no further.
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChunkRecord } from '../../src/runs/manifest.js';
import { partialPathOf } from '../../src/runs/target.js';
import { openRecordLog } from '../../src/files/record-log.js';
import { bytesOf, readFully } from '../../src/files/positional-io.js';
import { createTensor, type Tensor } from '../../src/core/tensor/tensor.js';
import { commandFailed, startCommand } from './command.js';

export interface FirstChunk {
  /** From before the process to the moment when rows that were read are handed to the layer. */
  readonly handedMs: number;
  /** To its record in the manifest: computed, written and on the disk. */
  readonly recordedMs: number;
}

/** Kills the process then; partial output and manifest stay. @throws Error if it ends earlier */
export async function runFirstChunk(args: readonly string[], output: string): Promise<FirstChunk> {
  const { child, stdout, told, startMs } = startCommand(args);
  stdout.resume();
  const closed = once(child, 'close');
  const early = closed.then(() => {
    throw commandFailed(args, child);
  });
  try {
    const line = await Promise.race([once(told, 'data'), early]);
    const handedMs = performance.now() - startMs;
    // One that fails tells of its memory alone.
    if (!String(line[0]).startsWith('first chunk')) await early;
    // Only now, so that looking slows nothing down that is measured.
    while ((await countRecords(output)) < 2) await Promise.race([sleep(1), early]);
    return { handedMs, recordedMs: performance.now() - startMs };
  } finally {
    child.kill('SIGKILL');
    await closed;
  }
}

/** The rows [tokens, width] of the first chunk that a killed run has written. */
export async function readFirstChunk(output: string, shape: readonly number[]): Promise<Tensor> {
  const opened = await openRecordLog(manifestOf(output));
  await opened?.log.close();
  const { portions } = opened?.records[1] as unknown as ChunkRecord;
  const tensor = createTensor(shape);
  const path = partialPathOf(output, {});
  const file = await open(path);
  try {
    await readFully(file, bytesOf(tensor.data), { path, position: portions[0]!.parts!.rows.begin });
  } finally {
    await file.close();
  }
  return tensor;
}

/** The head is one. */
async function countRecords(output: string): Promise<number> {
  return (await readFile(manifestOf(output), 'utf8')).split('\n').length - 1;
}

function manifestOf(output: string): string {
  return `${output}.manifest`;
}
