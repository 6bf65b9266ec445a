// What is known of a member of a zip archive, and what reading it offers. Types only.
import type { Reading } from '../positional-io.js';

export interface ZipMember {
  readonly name: string;
  /** The archive and the member, for messages. */
  readonly label: string;
  readonly isDeflated: boolean;
  /** Where the archive has the header of the member, and where its bytes. */
  readonly headerOffset: number;
  readonly dataOffset: number;
  /** Bytes in the archive. */
  readonly storedLength: number;
  /** Bytes that they stand for. */
  readonly byteLength: number;
  readonly crc32: number;
}

/** Reads a member by positions in it. */
export interface MemberReader {
  /**
   * Runs `action` with what reads the member; nothing else reads a deflated member meanwhile.
   * @throws INVALID_FILE naming the member if its bytes aren't what the directory says, FILE_FAILED
   */
  use<T>(action: (file: Reading) => Promise<T>): Promise<T>;
  /** Frees what reading holds, once reads under way have ended; a later read starts over. */
  release(): Promise<void>;
}
