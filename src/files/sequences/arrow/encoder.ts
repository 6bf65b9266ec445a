// Writes sequences as an Arrow stream, or as a file where the path says so. Each sequence is a record batch of its
// own, so that no byte depends on how the calls are cut; its size follows from its tokens and its name.
import { expected, HeadpoolError, invalidFile } from '../../../core/errors.js';
import { bytesPerElement, encodeInto } from '../../../core/tensor/dtype.js';
import type { OutputOutline, SequenceEncoder, SequenceName, Sequences } from '../sequences.js';
import { bodyLengthOf, frameBatch, frameMessage, type BatchShape } from './write-messages.js';
import { writeFooter, writeSchemaMessage, type SchemaOutline } from './write-metadata.js';

const magic = Buffer.from('ARROW1');
const endOfStream = Buffer.from('ffffffff00000000', 'hex');
const alignment = 8;
/** List offsets have 32 bits. */
const mostTokens = 2 ** 31 - 1;

/** @throws INVALID_OPTION for bf16, which Arrow does not have */
export function createArrowEncoder(outline: OutputOutline): SequenceEncoder {
  const { path, dtype } = outline;
  if (dtype === 'bf16') {
    throw new HeadpoolError(
      'INVALID_OPTION',
      `${path}: expected \`f32\` or \`f16\`, which Arrow has, got \`bf16\``,
    );
  }
  return new ArrowEncoder(outline, dtype);
}

class ArrowEncoder implements SequenceEncoder {
  readonly prologue: Uint8Array;
  readonly #outline: OutputOutline;
  readonly #dtype: 'f32' | 'f16';
  readonly #isFile: boolean;
  readonly #schema: SchemaOutline;
  /** Bytes of a batch's metadata with its prefix: all batches have the same structure. */
  readonly #metadataBytes: number;
  /** Of each sequence; they are what the footer needs to know. */
  readonly #bodyLengths: number[] = [];

  constructor(outline: OutputOutline, dtype: 'f32' | 'f16') {
    this.#outline = outline;
    this.#dtype = dtype;
    this.#isFile = outline.path !== '-' && !outline.path.toLowerCase().endsWith('.arrows');
    this.#schema = { ...outline, dtype };
    const begin = this.#isFile
      ? Buffer.concat([magic, new Uint8Array(alignment - magic.length)])
      : new Uint8Array(0);
    this.prologue = Buffer.concat([begin, frameMessage(writeSchemaMessage(this.#schema))]);
    const empty = { tokens: 0, name: null, numbers: 0, dataBytes: 0 };
    this.#metadataBytes = frameBatch(empty, outline.isPooled).metadataBytes;
  }

  encode(sequences: Sequences, rows: Float32Array): readonly ArrayBufferView[] {
    const { modelDim, isPooled } = this.#outline;
    const shapes = this.#shapesOf(sequences);
    const pieces: ArrayBufferView[] = [];
    let first = 0;
    for (const shape of shapes) {
      const end = first + shape.tokens * modelDim;
      const { head, bodyLength } = frameBatch(shape, isPooled);
      const data = this.#dataOf(rows.subarray(first, end));
      const padding = new Uint8Array(-shape.dataBytes & (alignment - 1));
      for (const piece of [head, data, padding]) if (piece.byteLength > 0) pieces.push(piece);
      this.#bodyLengths.push(bodyLength);
      first = end;
    }
    return pieces;
  }

  assume(sequences: Sequences, byteLength: number): void {
    const bodies = this.#shapesOf(sequences).map((shape) => bodyLengthOf(shape, this.#outline.isPooled));
    const wanted = bodies.reduce((sum, body) => sum + this.#metadataBytes + body, 0);
    if (wanted !== byteLength) {
      const what = `${wanted} bytes of ${bodies.length} sequences`;
      throw invalidFile(this.#outline.path, what, 'data', byteLength);
    }
    for (const body of bodies) this.#bodyLengths.push(body);
  }

  finish(): { readonly epilogue: Uint8Array } {
    if (!this.#isFile) return { epilogue: endOfStream };
    let offset = this.prologue.byteLength;
    const metadataBytes = this.#metadataBytes;
    const blocks = this.#bodyLengths.map((bodyLength) => {
      const block = { offset, metadataBytes, bodyLength };
      offset += metadataBytes + bodyLength;
      return block;
    });
    const footer = writeFooter(this.#schema, blocks);
    const length = Buffer.alloc(4);
    length.writeInt32LE(footer.byteLength);
    return { epilogue: Buffer.concat([endOfStream, footer, length, magic]) };
  }

  #shapesOf({ lengths, names }: Sequences): BatchShape[] {
    const { isPooled, modelDim } = this.#outline;
    return lengths.map((tokens, index) => {
      if (isPooled ? tokens !== 1 : tokens > mostTokens) {
        const what = isPooled ? '1 token in Arrow' : `at most ${mostTokens} tokens in Arrow`;
        throw expected('INVALID_OPTION', what, `lengths[${index}]`, tokens);
      }
      const name: SequenceName = names?.[index] ?? null;
      const numbers = tokens * modelDim;
      const dataBytes = numbers * bytesPerElement[this.#dtype];
      return { tokens, name: name === null ? null : Buffer.from(String(name)), numbers, dataBytes };
    });
  }

  #dataOf(rows: Float32Array): Float32Array | Uint16Array {
    if (this.#dtype === 'f32') return rows;
    const halves = new Uint16Array(rows.length);
    encodeInto(halves, rows, 'f16');
    return halves;
  }
}
