// An append-only log of JSON records, one a line after its checksum. A process killed at any byte leaves whole lines
// and at most one torn one at the end, which opening cuts off.
import { unlink, type FileHandle } from 'node:fs/promises';
import { fileFailed } from '../core/errors.js';
import { createAtomicFile } from './atomic-file.js';
import { attempt, unlessMissing } from './attempt.js';
import { openRegularFile } from './open-file.js';
import { writeFully } from './positional-io.js';
import { formatLine, readRecords, type JsonRecord } from './record-lines.js';

export type { JsonRecord };

/** What a log needs of its FileHandle, so that tests may stand in for a failing disk. */
export type LogFile = Pick<FileHandle, 'write' | 'sync' | 'close'>;

/**
 * Makes the log `path` anew, in place of any before. It appears with these records complete or not at all.
 * @throws FILE_FAILED; INVALID_OPTION if a record is too long
 */
export async function createRecordLog(
  path: string,
  first: object,
  others: readonly object[] = [],
): Promise<RecordLog> {
  const file = await createAtomicFile(path);
  let end = 0;
  try {
    for (const record of [first, ...others]) {
      const line = formatLine(record);
      await file.write(line, end);
      end += line.length;
    }
    await file.commit();
  } catch (error) {
    await file.discard();
    if (file.hasName) await attempt(path, 'remove', () => unlink(path));
    throw error;
  }
  return new RecordLog(path, (await openRegularFile(path, 'r+')).handle, end);
}

/**
 * Opens the log `path` to append, and reads its records; undefined if there is none. What a killed process left of a
 * last record is cut off.
 * @throws INVALID_FILE naming the line if anything before the last line is damaged, or no record is whole; FILE_FAILED
 */
export async function openRecordLog(
  path: string,
): Promise<{ log: RecordLog; records: readonly JsonRecord[] } | undefined> {
  const file = await unlessMissing(openRegularFile(path, 'r+'));
  if (file === undefined) return undefined;
  const { handle, size } = file;
  try {
    const { records, end } = await readRecords(path, file);
    if (end < size) {
      await attempt(path, 'cut off the torn end', () => handle.truncate(end));
      // Else a loss of power might bring the torn end back after a record that is shorter.
      await attempt(path, 'sync', () => handle.sync());
    }
    return { log: new RecordLog(path, handle, end), records };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * The records of the log `path` as far as they are whole, without a change to it; undefined if there is none.
 * @throws as `openRecordLog`
 */
export async function readRecordLog(path: string): Promise<readonly JsonRecord[] | undefined> {
  const file = await unlessMissing(openRegularFile(path));
  if (file === undefined) return undefined;
  try {
    return (await readRecords(path, file)).records;
  } finally {
    await file.handle.close();
  }
}

/** An open log. Calls of `append` may overlap; `close` it when done. */
export class RecordLog {
  readonly path: string;
  readonly #file: LogFile;
  #end: number;
  #isClosed = false;
  /** The latest append. Once one fails all later ones do, because they would follow a torn line. */
  #last: Promise<void> = Promise.resolve();

  /** @param end where the last whole line ends, in bytes */
  constructor(path: string, file: LogFile, end: number) {
    this.path = path;
    this.#file = file;
    this.#end = end;
  }

  /**
   * Resolves once `record`, taken as it is now, has reached the disk after those appended before.
   * @throws FILE_FAILED, also if an earlier append failed; INVALID_OPTION if the record is too long
   */
  async append(record: JsonRecord): Promise<void> {
    if (this.#isClosed) throw fileFailed(this.path, 'append', new Error('it is closed already'));
    const line = formatLine(record);
    this.#last = this.#last.then(() => this.#write(line));
    await this.#last;
  }

  /** Waits for appends under way, whether they fail or not; a second call does nothing. @throws FILE_FAILED */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.allSettled([this.#last]);
    await attempt(this.path, 'close', () => this.#file.close());
  }

  async #write(line: Uint8Array): Promise<void> {
    await writeFully(this.#file, line, { path: this.path, position: this.#end });
    await attempt(this.path, 'sync', () => this.#file.sync());
    this.#end += line.length;
  }
}
