// What the tests of files share: scratch files, and bytes of files put together by hand.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { makeFolder } from '../helpers/make-folder.js';

/** Writes `bytes` as `name` into a new folder and returns the path. */
export async function writeScratch(t: ExecutionContext, name: string, bytes: Uint8Array): Promise<string> {
  const path = join(await makeFolder(t), name);
  await writeFile(path, bytes);
  return path;
}

/** A .npy file with `header` as it is, and `dataBytes` zeros or the given data. */
export function npyFile(
  header: string,
  data: number | Uint8Array = 0,
  version: readonly number[] = [1, 0],
): Buffer {
  const text = Buffer.from(header, 'latin1');
  const length = Buffer.alloc(version[0] === 1 ? 2 : 4);
  if (version[0] === 1) length.writeUInt16LE(text.length);
  else length.writeUInt32LE(text.length);
  const magic = Buffer.from('\x93NUMPY', 'latin1');
  const body = typeof data === 'number' ? Buffer.alloc(data) : data;
  return Buffer.concat([magic, Uint8Array.from(version), length, text, body]);
}

/** A .safetensors file with `header` as it is (an object as JSON), and `dataBytes` zeros or the given data. */
export function safetensorsFile(header: object | string | Uint8Array, data: number | Uint8Array = 0): Buffer {
  const text = header instanceof Uint8Array ? header : toText(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, typeof data === 'number' ? Buffer.alloc(data) : data]);
}

export function float32Bytes(...numbers: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(numbers).buffer);
}

function toText(header: object | string): Buffer {
  return Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
}
