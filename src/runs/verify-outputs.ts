// Reads outputs again and compares them, part by part, with the checksums of their manifest.
import { crc32 } from 'node:zlib';
import { invalidFile } from '../core/errors.js';
import type { WrittenPart } from '../files/byte-sink.js';
import { openRegularFile, type RegularFile } from '../files/open-file.js';
import { readFully } from '../files/positional-io.js';
import type { RunState } from './manifest.js';
import type { RunRequest } from './request.js';

const chunkBytes = 2 ** 22;

export interface VerifiedOutputs {
  readonly files: number;
  readonly bytes: number;
}

/**
 * @throws INVALID_FILE naming the file and where it differs; FILE_FAILED
 */
export async function verifyOutputs({ targets }: RunRequest, state: RunState): Promise<VerifiedOutputs> {
  let [files, bytes] = [0, 0];
  const verify = async (path: string, parts: readonly WrittenPart[]): Promise<void> => {
    bytes += await verifyFile(path, parts);
    files++;
  };
  for (const [number, { path, statisticsPath }] of targets.entries()) {
    const around = state.finishOf(number);
    if (around === undefined) continue;
    const parts = state.partsOf(number).map((part) => part.parts);
    await verify(path, [around.prologue, ...parts.map(({ rows }) => rows), around.epilogue]);
    if (statisticsPath === undefined) continue;
    await verify(
      statisticsPath,
      parts.flatMap(({ statistics }) => statistics ?? []),
    );
  }
  return { files, bytes };
}

async function verifyFile(path: string, parts: readonly WrittenPart[]): Promise<number> {
  const file = await openRegularFile(path);
  try {
    const last = parts.at(-1);
    const byteLength = last === undefined ? 0 : last.begin + last.byteLength;
    if (file.size !== byteLength) throw invalidFile(path, String(byteLength), 'bytes', file.size);
    for (const part of parts) await verifyPart(file, path, part);
    return byteLength;
  } finally {
    await file.handle.close();
  }
}

async function verifyPart(
  { handle }: RegularFile,
  path: string,
  { begin, byteLength, checksum }: WrittenPart,
): Promise<void> {
  const scratch = new Uint8Array(Math.min(byteLength, chunkBytes));
  let found = 0;
  for (let done = 0; done < byteLength; done += scratch.length) {
    const bytes = scratch.subarray(0, Math.min(scratch.length, byteLength - done));
    await readFully(handle, bytes, { path, position: begin + done });
    found = crc32(bytes, found);
  }
  if (found === checksum) return;
  const what = `CRC-32 ${hex(checksum)} of bytes ${begin} to ${begin + byteLength}`;
  throw invalidFile(path, what, 'checksum', hex(found));
}

function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, '0');
}
