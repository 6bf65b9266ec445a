// Standard input as a file, for formats whose directory stands at the end: spooled to the folder of temporary files,
// and gone from there as soon as it is open.
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attempt } from './attempt.js';
import { openByteSource, type ByteOrigin } from './byte-source.js';
import { writeFully } from './positional-io.js';

/** What `use` makes of the file; it must have opened it. @throws FILE_FAILED, and what `use` throws */
export async function withSpooledInput<T>(origin: ByteOrigin, use: (path: string) => Promise<T>): Promise<T> {
  const { path } = origin;
  const folder = await attempt(path, 'spool', () => mkdtemp(join(tmpdir(), `headpool-${process.pid}-`)));
  try {
    const file = join(folder, 'input');
    await spool(origin, file);
    return await use(file);
  } finally {
    await attempt(path, 'remove the spooled file', () => rm(folder, { recursive: true, force: true }));
  }
}

async function spool(origin: ByteOrigin, file: string): Promise<void> {
  const { path } = origin;
  const source = await openByteSource(origin);
  try {
    const handle = await attempt(path, 'spool', () => open(file, 'wx', 0o600));
    try {
      let position = 0;
      for (let chunk; (chunk = await source.read()) !== undefined; position += chunk.length) {
        await writeFully(handle, chunk, { path, position });
      }
    } finally {
      await handle.close();
    }
  } finally {
    await source.close();
  }
}
