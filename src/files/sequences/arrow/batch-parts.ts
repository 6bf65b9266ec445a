// The nodes and buffers of one record batch, each checked against the message when it is asked for.
import { Breather, runSteps } from '../../../core/breather.js';
import { HeadpoolError, invalidFile } from '../../../core/errors.js';
import { readFully, type Reading } from '../../positional-io.js';
import { readFromMemory } from '../../windowed-reading.js';
import { decodeBuffer } from './decode-buffer.js';
import type { ColumnStart } from './locate-columns.js';
import { allocateBytes, type ArrowMessage, type Body } from './messages.js';
import type { Codec, Place, RecordBatch } from './metadata.js';

/** Whether each of some elements is there: a bit each, the lowest first. */
export type Bitmap = Uint8Array;

/** Where a buffer lies in its body's file, compressed or not. */
export interface Region {
  readonly position: number;
  readonly byteLength: number;
}

/** Where the bytes of a buffer are read. */
export interface Stored {
  /** For large reads, which may overlap in time. */
  readonly file: Reading;
  readonly position: number;
}

/** Some hundred microseconds' worth. */
const offsetsOfStep = 2 ** 16;

interface FieldNode {
  readonly length: number;
  readonly nullCount: number;
}

export class BatchParts {
  readonly place: Place;
  readonly body: Body;
  readonly #records: RecordBatch;

  /** @throws INVALID_FILE if the batch has other nodes or buffers than the schema wants */
  constructor({ place, body }: Pick<ArrowMessage, 'place' | 'body'>, records: RecordBatch, end: ColumnStart) {
    this.place = place;
    this.body = body;
    this.#records = records;
    for (const [name, count, wanted] of [
      ['nodes', records.nodes.length, end.node],
      ['buffers', records.buffers.length, end.buffer],
    ] as const) {
      if (count !== wanted) throw this.refuse(`${wanted}, as the schema has`, name, count);
    }
  }

  /** "… for `message 3.<part>`, got …" */
  refuse(what: string, part: string, value: unknown): Error {
    return invalidFile(this.place.path, what, `${this.place.label}.${part}`, value);
  }

  node(index: number): FieldNode {
    const { nodes } = this.#records;
    const node = { length: nodes.int64(index), nullCount: nodes.int64(index, 8) };
    if (node.length < 0) throw this.refuse('a length >= 0', `nodes[${index}].length`, node.length);
    if (node.nullCount < 0 || node.nullCount > node.length) {
      throw this.refuse(`0 to ${node.length}`, `nodes[${index}].nullCount`, node.nullCount);
    }
    return node;
  }

  /** That a column has as many rows as its batch. @throws INVALID_FILE */
  requireRows(node: number, rows: number): void {
    const { length } = this.node(node);
    if (length !== rows) throw this.refuse(`${rows}, as the batch has`, `nodes[${node}].length`, length);
  }

  region(index: number): Region {
    const { buffers } = this.#records;
    const offset = buffers.int64(index);
    const length = buffers.int64(index, 8);
    const { position, byteLength } = this.body;
    if (offset < 0 || length < 0 || offset + length > byteLength) {
      throw this.refuse(`a place in the ${byteLength} bytes of the body`, `buffers[${index}]`, [
        offset,
        length,
      ]);
    }
    return { position: position + offset, byteLength: length };
  }

  /** Buffer `index`, which must have `least` bytes, for reading parts of it later. */
  async stored(index: number, least: number): Promise<Stored> {
    if (this.#records.codec !== undefined) {
      return { file: readFromMemory(await this.bytes(index, least)), position: 0 };
    }
    const { position, byteLength } = this.region(index);
    this.#require(index, least, byteLength);
    return { file: this.body.handle, position };
  }

  /** The first `length` bytes of buffer `index`, at the start of their own memory; default all. */
  async bytes(index: number, length?: number): Promise<Uint8Array<ArrayBuffer>> {
    const { codec } = this.#records;
    const region = this.region(index);
    if (codec !== undefined) {
      const decoded = await this.#decode(index, codec, await this.#read(region.position, region.byteLength));
      this.#require(index, length ?? 0, decoded.length);
      return length === undefined || length === decoded.length ? decoded : decoded.slice(0, length);
    }
    this.#require(index, length ?? 0, region.byteLength);
    return this.#read(region.position, length ?? region.byteLength);
  }

  /** The bitmap of node `node`, in buffer `index`; undefined if everything is there. */
  async bitmap(node: number, index: number): Promise<Bitmap | undefined> {
    const { length, nullCount } = this.node(node);
    return nullCount === 0 ? undefined : this.bytes(index, Math.ceil(length / 8));
  }

  /** [count + 1] offsets of buffer `index`, which never fall and end at `most` or before. */
  async offsets(
    index: number,
    { count, bytesPerOffset, most }: { count: number; bytesPerOffset: 4 | 8; most: number },
  ): Promise<Float64Array> {
    // Arrow lets writers leave out the 0 of no elements.
    if (count === 0) return new Float64Array(1);
    const { buffer } = await this.bytes(index, (count + 1) * bytesPerOffset);
    const stored = bytesPerOffset === 4 ? new Int32Array(buffer) : new BigInt64Array(buffer);
    const offsets = new Float64Array(allocateBytes(this.place.path, (count + 1) * 8).buffer);
    const breather = new Breather();
    let least = 0;
    for (let i = 0; i <= count; i++) {
      if (i % offsetsOfStep === 0 && breather.isDue) await breather.rest();
      const offset = Number(stored[i]);
      if (offset < least || offset > most) {
        throw this.refuse(`${least} to ${most}`, `buffers[${index}][${i}]`, offset);
      }
      offsets[i] = least = offset;
    }
    return offsets;
  }

  async #read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = allocateBytes(this.place.path, length);
    await readFully(this.body.file, bytes, { path: this.place.path, position });
    return bytes;
  }

  async #decode(
    index: number,
    codec: Codec,
    stored: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await runSteps(decodeBuffer(stored, codec, (length) => allocateBytes(this.place.path, length)));
    } catch (cause) {
      if (cause instanceof HeadpoolError) throw cause;
      const { path, label } = this.place;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `${path}: expected well-formed ${codec} for \`${label}.buffers[${index}]\`: ${reason}`;
      throw new HeadpoolError('INVALID_FILE', message, { cause });
    }
  }

  #require(index: number, least: number, length: number): void {
    if (length < least) throw this.refuse(`at least ${least} bytes`, `buffers[${index}]`, length);
  }
}

/** The first of the elements from `begin` to `end` that is not there, or -1. */
export function findNull(bitmap: Bitmap | undefined, begin: number, end: number): number {
  if (bitmap === undefined) return -1;
  for (let index = begin; index < end; index++) {
    const byte = bitmap[Math.floor(index / 8)]!;
    const bit = index % 8;
    if (bit === 0 && byte === 255) index += 7;
    else if (((byte >> bit) & 1) === 0) return index;
  }
  return -1;
}
