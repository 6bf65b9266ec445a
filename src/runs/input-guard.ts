// Vouches for inputs that were read: nobody changed them meanwhile, and this is the checksum of what was read.
import { checksumOf } from '../files/file-checksum.js';
import { isDamage } from './chunks.js';
import { attendedOf, checkUnchanged, quickBytes, type FileIdentity, type RunIdentity } from './identity.js';
import type { RunState } from './manifest.js';
import { standardStream } from './request.js';

export class InputGuard {
  readonly #identity: RunIdentity;
  /** Inputs whose checksum is known. */
  readonly #known: Set<number>;

  constructor(identity: RunIdentity, state: RunState) {
    this.#identity = identity;
    const numbers = [...identity.inputs.keys()];
    this.#known = new Set(numbers.filter((input) => state.inputs[input]!.checksum !== undefined));
  }

  /**
   * To be called when rows of an input have been read. Resolves to its checksum, once: of a large file when its end was
   * read, of any other with its first rows, so that a run which is killed in its midst knows it too.
   * @throws INVALID_FILE if the input, or what it attends, was found changed at its end; FILE_FAILED
   */
  async vouch(input: number, isEnded: boolean): Promise<number | undefined> {
    const file = this.#identity.inputs[input]!;
    // Of a large file that several runs share, each would read all.
    const isShared = file.range !== undefined && file.bytes > quickBytes;
    const isDue = file.path !== standardStream && !isShared && !this.#known.has(input);
    let checksum: number | undefined;
    if (isEnded) {
      checksum = isDue ? await checksumOf(file.path) : undefined;
      for (const read of [file, ...attendedOf(this.#identity)]) await checkUnchanged(read);
    } else if (isDue && file.bytes <= quickBytes) {
      checksum = await checksumNow(file);
    }
    if (checksum !== undefined) this.#known.add(input);
    return checksum;
  }
}

/** Undefined if the file is no longer what it was: that is for its end to say, wherever chunks are cut. */
async function checksumNow(file: FileIdentity): Promise<number | undefined> {
  try {
    const checksum = await checksumOf(file.path);
    // After its bytes were read, so that the checksum belongs to the file which the manifest describes.
    await checkUnchanged(file);
    return checksum;
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}
