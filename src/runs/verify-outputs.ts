// Reads outputs again and compares them, part by part, with the checksums of their manifest.
import { invalidFile } from '../core/errors.js';
import type { WrittenPart } from '../files/byte-sink.js';
import { checksumOfPart, formatChecksum } from '../files/file-checksum.js';
import { openRegularFile, type RegularFile } from '../files/open-file.js';
import type { RunState } from './manifest.js';
import type { RunRequest } from './request.js';

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
  const found = await checksumOfPart(handle, { path, begin, byteLength });
  if (found === checksum) return;
  const what = `CRC-32 ${formatChecksum(checksum)} of bytes ${begin} to ${begin + byteLength}`;
  throw invalidFile(path, what, 'checksum', formatChecksum(found));
}
