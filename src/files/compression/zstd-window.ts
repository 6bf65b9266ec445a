// What the blocks of a frame of Zstandard become, one after another, with as much of it kept as later ones may refer to.
import { ZstdBlocks } from './zstd-block.js';
import type { BlockHeader } from './zstd-format.js';
import type { FrameHeader } from './zstd-header.js';

// It grows as blocks come: a header may ask for more than its frame fills.
const firstBytes = 2 ** 20;

export class ZstdWindow {
  readonly #blocks = new ZstdBlocks();
  readonly #windowBytes: number;
  readonly #mostBlockBytes: number;
  #bytes: Uint8Array<ArrayBuffer>;
  #end = 0;

  constructor({ windowBytes, mostBlockBytes }: Pick<FrameHeader, 'windowBytes' | 'mostBlockBytes'>) {
    this.#windowBytes = windowBytes;
    this.#mostBlockBytes = mostBlockBytes;
    this.#bytes = new Uint8Array(Math.min(firstBytes, this.#capacity));
  }

  /** The bytes of the next block, which are the caller's. @throws Error if it is damaged */
  decode(block: BlockHeader, bytes: Uint8Array): Uint8Array {
    this.#makeRoom();
    const at = this.#end;
    this.#end = this.#blocks.decode(block, bytes, {
      target: this.#bytes,
      at,
      end: at + this.#mostBlockBytes,
    });
    return this.#bytes.slice(at, this.#end);
  }

  /** A quarter more than the window, so that what is kept isn't moved for every block. */
  get #capacity(): number {
    return Math.ceil(1.25 * this.#windowBytes) + this.#mostBlockBytes;
  }

  #makeRoom(): void {
    if (this.#end + this.#mostBlockBytes <= this.#bytes.length) return;
    if (this.#bytes.length < this.#capacity) {
      const larger = new Uint8Array(Math.min(2 * this.#bytes.length, this.#capacity));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    if (this.#end + this.#mostBlockBytes <= this.#bytes.length) return;
    this.#bytes.copyWithin(0, this.#end - this.#windowBytes, this.#end);
    this.#end = this.#windowBytes;
  }
}
