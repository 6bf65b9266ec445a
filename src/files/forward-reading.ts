// Reads by position what can be had only from its start on, as a pipe and a compressed file can: a cursor stays where
// the last read ended. A read before it starts over, where that is possible.
import { fileFailed, invalidFile } from '../core/errors.js';
import type { ByteSource } from './byte-source.js';
import { InTurn } from './in-turn.js';
import type { Reading } from './positional-io.js';

export interface ForwardOrigin {
  /** For messages. */
  readonly path: string;
  /** From the start; called again where a read lies before the cursor. */
  readonly open: () => Promise<ByteSource>;
  /** Whether `open` gives the same bytes again. */
  readonly isRepeatable: boolean;
}

export class ForwardReading implements Reading {
  readonly #origin: ForwardOrigin;
  #source: ByteSource | undefined;
  #position = 0;
  /** Of the last chunk, what lies at the position and after it. */
  #rest: Uint8Array = new Uint8Array();
  /** Where there must be no more. */
  #end = Infinity;
  #isClosed = false;
  readonly #turns = new InTurn();

  constructor(origin: ForwardOrigin) {
    this.#origin = origin;
  }

  /** In the order of the calls: whole actions, because two that took turns would start over again and again. */
  use<T>(action: (file: Reading) => Promise<T>): Promise<T> {
    return this.#turns.run(() => action(this));
  }

  /** From now on it is an error if anything follows byte `end`, once reads have come there. @throws INVALID_FILE */
  async expectEnd(end: number): Promise<void> {
    this.#end = end;
    await this.#checkEnd();
  }

  /** @throws INVALID_FILE, FILE_FAILED */
  async read(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }> {
    if (this.#isClosed) throw fileFailed(this.#origin.path, 'read', new Error('it was closed'));
    if (this.#source === undefined || position < this.#position) await this.#restart();
    while (this.#position < position) {
      if (!(await this.#hasMore())) return { bytesRead: 0 };
      this.#take(position - this.#position);
    }
    if (length === 0 || !(await this.#hasMore())) return { bytesRead: 0 };
    const part = this.#take(length);
    bytes.set(part, offset);
    await this.#checkEnd();
    return { bytesRead: part.length };
  }

  /** Ends a read that waits, too; a second call does nothing. @throws FILE_FAILED */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#source?.close();
    this.#source = undefined;
  }

  async #restart(): Promise<void> {
    const { path, open, isRepeatable } = this.#origin;
    if (this.#source !== undefined && !isRepeatable) {
      throw fileFailed(path, 'read', new Error('it can be read only once, from its start on'));
    }
    await this.#source?.close();
    this.#source = await open();
    this.#position = 0;
    this.#rest = new Uint8Array();
  }

  async #hasMore(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const chunk = await this.#source?.read();
      if (chunk === undefined) return false;
      this.#rest = chunk;
    }
    return true;
  }

  #take(most: number): Uint8Array {
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    this.#position += part.length;
    return part;
  }

  async #checkEnd(): Promise<void> {
    if (this.#position < this.#end || !(await this.#hasMore())) return;
    const found = this.#position + this.#rest.length;
    throw invalidFile(this.#origin.path, `nothing after byte ${this.#end}`, 'data', found);
  }
}
