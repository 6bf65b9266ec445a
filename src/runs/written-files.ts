// The files of an output as a manifest tells of them: which parts were written, and whether they still hold that.
import type { WrittenPart } from '../files/byte-sink.js';
import { checkPart, checksumOfPart } from '../files/file-checksum.js';
import { openRegularFile } from '../files/open-file.js';
import type { RunState } from './manifest.js';
import type { RunTarget } from './request.js';

export interface WrittenFile {
  /** The name that it has, or will have. */
  readonly path: string;
  /** In the order of the file; of a finished one they are all of it. */
  readonly parts: readonly WrittenPart[];
}

/** Rows, and statistics if there are any, of target `number`. */
export function writtenFilesOf(
  { path, statisticsPath }: RunTarget,
  number: number,
  state: RunState,
): WrittenFile[] {
  const written = state.writtenOf(number);
  const around = state.finishOf(number);
  const rows = written.map((parts) => parts.rows);
  const all = around === undefined ? rows : [around.prologue, ...rows, around.epilogue];
  if (statisticsPath === undefined) return [{ path, parts: all }];
  const statistics = written.flatMap((parts) => parts.statistics ?? []);
  return [
    { path, parts: all },
    { path: statisticsPath, parts: statistics },
  ];
}

/** Where the last of the parts ends. */
export function endOf(parts: readonly WrittenPart[]): number {
  const last = parts.at(-1);
  return last === undefined ? 0 : last.begin + last.byteLength;
}

/** Reads the parts of a file. @throws INVALID_FILE naming the first one with other bytes, or none; FILE_FAILED */
export async function checkParts(path: string, parts: readonly WrittenPart[]): Promise<void> {
  const { handle } = await openRegularFile(path);
  try {
    for (const part of parts) checkPart(path, part, await checksumOfPart({ path, handle }, part));
  } finally {
    await handle.close();
  }
}
