// A temporary folder for as long as something needs it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What `use` returns of a new folder, which is gone then. */
export async function withFolder(prefix, use) {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  try {
    return await use(folder);
  } finally {
    // What was started in it may end a little later, and write until then.
    await rm(folder, { recursive: true, maxRetries: 10, retryDelay: 500 });
  }
}
