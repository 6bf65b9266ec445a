// The lines of a record log: "<crc32 of the JSON, 8 hex digits> <JSON>\n". Written and read as bytes, whole lines only.
import { crc32 } from 'node:zlib';
import { expected, invalidFile } from '../core/errors.js';
import type { RegularFile } from './open-file.js';
import { readFully } from './positional-io.js';

/** Plain JSON. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** How much of a log is read at a time; its text never lies in memory as a whole. */
const chunkBytes = 2 ** 20;

/** In bytes, so that reading what is no log ends early. */
const longestLine = 2 ** 26;

const checksumLength = 8;
const newline = 0x0a;

/** @throws INVALID_OPTION if the record is too long */
export function formatLine(record: object): Uint8Array {
  const json = Buffer.from(JSON.stringify(record));
  const line = Buffer.concat([Buffer.from(`${checksum(json)} `), json, Buffer.of(newline)]);
  if (line.length <= longestLine) return line;
  throw expected('INVALID_OPTION', `at most ${longestLine} bytes of JSON`, 'record', json.length);
}

/**
 * All whole records, and where the last of them ends, in bytes. The last line may be torn, but not the first.
 * @throws INVALID_FILE naming the first line that is damaged otherwise; FILE_FAILED
 */
export async function readRecords(
  path: string,
  file: RegularFile,
): Promise<{ records: JsonRecord[]; end: number }> {
  const records: JsonRecord[] = [];
  let end = 0;
  let damaged: Buffer | undefined;
  const fail = (line: Buffer) =>
    invalidFile(path, 'a whole record', `line ${records.length + 1}`, line.toString('latin1', 0, 80));
  for await (const { line, next } of splitLines(path, file)) {
    if (damaged !== undefined) throw fail(damaged);
    const record = next === undefined ? undefined : parseLine(line);
    if (record === undefined || next === undefined) {
      damaged = line;
      if (line.length > longestLine) throw fail(line);
    } else {
      records.push(record);
      end = next;
    }
  }
  if (records.length === 0) throw fail(damaged ?? Buffer.alloc(0));
  return { records, end };
}

/** Lines without their newlines, and where the next begins; undefined after a line that doesn't end or is too long. */
async function* splitLines(path: string, { handle, size }: RegularFile) {
  const chunk = Buffer.alloc(Math.min(size, chunkBytes));
  let pieces: Buffer[] = [];
  let pending = 0;
  for (let position = 0; position < size; position += chunk.length) {
    const bytes = chunk.subarray(0, Math.min(chunk.length, size - position));
    await readFully(handle, bytes, { path, position });
    let start = 0;
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, start)) {
      yield { line: Buffer.concat([...pieces, bytes.subarray(start, at)]), next: position + at + 1 };
      pieces = [];
      pending = 0;
      start = at + 1;
    }
    pieces.push(Buffer.from(bytes.subarray(start)));
    pending += bytes.length - start;
    if (pending > longestLine) break;
  }
  if (pending > 0) yield { line: Buffer.concat(pieces), next: undefined };
}

/** The record of a line without its newline; undefined if it isn't whole. */
function parseLine(line: Buffer): JsonRecord | undefined {
  const json = line.subarray(checksumLength + 1);
  if (line.toString('latin1', 0, checksumLength + 1) !== `${checksum(json)} `) return undefined;
  try {
    const value: unknown = JSON.parse(json.toString());
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as JsonRecord) : undefined;
  } catch {
    return undefined;
  }
}

function checksum(json: Uint8Array): string {
  return crc32(json).toString(16).padStart(checksumLength, '0');
}
