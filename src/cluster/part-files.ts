// The files that shards wrote, open one at a time: they are read in the order of the shards.
import type { FileHandle } from 'node:fs/promises';
import { readCheckedPart } from '../files/file-checksum.js';
import { openRegularFile } from '../files/open-file.js';
import { readPart, type OpenFile } from '../files/read-part.js';
import type { CopiedRows, TargetParts } from '../runs/target.js';

export class PartFiles {
  readonly #open = new Map<string, OpenFile & { readonly handle: FileHandle }>();

  /** What a shard wrote of some sequences. @throws FILE_FAILED */
  async read(
    { part, statistics }: { readonly part: string; readonly statistics: string },
    parts: TargetParts,
  ): Promise<CopiedRows> {
    const { byteLength } = parts.rows;
    const rows = readPart(await this.#fileAt(part), parts.rows);
    if (parts.statistics === undefined) return { rows, byteLength, statistics: undefined };
    const lines = readCheckedPart(await this.#fileAt(statistics), parts.statistics);
    return { rows, byteLength, statistics: lines };
  }

  async close(): Promise<void> {
    for (const { handle } of this.#open.values()) await handle.close();
    this.#open.clear();
  }

  async #fileAt(path: string): Promise<OpenFile> {
    const known = this.#open.get(path);
    if (known !== undefined) return known;
    const opened = { path, handle: (await openRegularFile(path)).handle };
    this.#open.set(path, opened);
    return opened;
  }
}
