// A text as a file that appears complete or not at all.
import { createAtomicFile } from './atomic-file.js';

/** @throws FILE_FAILED */
export async function writeText(path: string, text: string): Promise<void> {
  const file = await createAtomicFile(path);
  try {
    await file.write(Buffer.from(text), 0);
    await file.commit();
  } finally {
    await file.discard();
  }
}
