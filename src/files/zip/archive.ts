// An open zip archive, whose members are read in place: nothing is ever unpacked to disk, so names are names and not
// paths. Which members there are is the matter of directory.ts.
import type { FileHandle } from 'node:fs/promises';
import { Breather } from '../../core/breather.js';
import { attempt } from '../attempt.js';
import { openRegularFile } from '../open-file.js';
import { readFully, type Reading } from '../positional-io.js';
import { readThroughWindow } from '../windowed-reading.js';
import { DeflatedMember } from './deflated-member.js';
import { readDirectory } from './directory.js';
import type { MemberReader, ZipMember } from './member.js';
import { StoredMember } from './stored-member.js';

/**
 * Opens the zip archive `file`, which messages call `path`, and checks its directory; the members' bytes are read when asked for.
 * @throws INVALID_FILE if it is no zip archive, or has a member that is encrypted, neither stored nor deflated, listed
 * twice or not where the directory says; FILE_FAILED
 */
export async function openZipArchive(file: string, path = file): Promise<ZipArchive> {
  const { handle, size } = await openRegularFile(file);
  try {
    const window = readThroughWindow(handle);
    const members = await readDirectory({ path, file: window, size });
    return new ZipArchive(path, { handle, window, members });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

interface Contents {
  readonly handle: FileHandle;
  /** For opening only: it may be older than the file. */
  readonly window: Reading;
  readonly members: ReadonlyMap<string, ZipMember>;
}

/** `close` it when done. */
export class ZipArchive {
  readonly path: string;
  /** By name, in the order of the directory. */
  readonly members: ReadonlyMap<string, ZipMember>;
  readonly #handle: FileHandle;
  readonly #window: Reading;
  readonly #readers = new Set<MemberReader>();

  constructor(path: string, { handle, window, members }: Contents) {
    this.path = path;
    this.members = members;
    this.#handle = handle;
    this.#window = window;
  }

  /**
   * The first `most` bytes of a member, or all of a shorter one, from when the archive was opened.
   * @throws INVALID_FILE naming the member if its bytes aren't what the directory says, FILE_FAILED
   */
  async readStart(member: ZipMember, most: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.min(member.byteLength, most));
    const reader = createReader(this.#window, member);
    try {
      await reader.use((file) => readFully(file, bytes, { path: member.label, position: 0 }));
    } finally {
      await reader.release();
    }
    return bytes;
  }

  open(member: ZipMember): MemberReader {
    const reader = createReader(this.#handle, member);
    this.#readers.add(reader);
    return reader;
  }

  /** Waits for reads under way; a second call does nothing. @throws FILE_FAILED */
  async close(): Promise<void> {
    const breather = new Breather();
    for (const reader of this.#readers) {
      await reader.release();
      if (breather.isDue) await breather.rest();
    }
    await attempt(this.path, 'close', () => this.#handle.close());
  }
}

function createReader(archive: Reading, member: ZipMember): MemberReader {
  return member.isDeflated ? new DeflatedMember(archive, member) : new StoredMember(archive, member);
}
