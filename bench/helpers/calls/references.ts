// Outputs that processes compare with one another, in files: one writes them, the others hold theirs against them.
import { readFile, writeFile } from 'node:fs/promises';
import { checkClose, relativeError } from '../../../src/measure/cases/check.js';
import { bytesOf } from '../../../src/files/positional-io.js';
import { checkOutputs, type Work } from './works.js';

/** Where they lie, and whether this process writes them. */
export interface Reference {
  readonly path: string;
  readonly isWritten: boolean;
}

/**
 * The outputs against float64, then into the file; or against those in the file.
 * @returns the largest difference from those, as a share of the largest number
 * @throws RangeError if they are wrong
 */
export async function settleReference(
  outputs: Float32Array,
  reference: Reference,
  work: Work,
): Promise<number> {
  const { path, isWritten } = reference;
  if (isWritten) {
    checkOutputs(outputs, work);
    await writeFile(path, bytesOf(outputs));
    return 0;
  }
  const { buffer, byteOffset, byteLength } = await readFile(path);
  const wanted = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
  const difference = relativeError(outputs, wanted);
  checkClose('The output', difference);
  return difference;
}
