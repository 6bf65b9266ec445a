// The writer that all our binary formats share: a prologue of fixed bytes, then the float32 rows of all sequences
// in order. The formats differ in nothing but the prologue.
import { expected } from '../errors.js';
import { createAtomicFile, type AtomicFile } from './atomic-file.js';
import { locateElements } from './sequence-layout.js';
import type { SequenceLayout, SequenceWriter } from './sequences.js';

export interface RowFile {
  readonly path: string;
  readonly layout: SequenceLayout;
  /** What stands before the rows. */
  readonly prologue: Uint8Array;
  readonly partialPath?: string | undefined;
}

/**
 * Starts the file with its prologue and its final length.
 * @throws FILE_FAILED
 */
export async function createRowWriter({
  path,
  layout,
  prologue,
  partialPath,
}: RowFile): Promise<SequenceWriter> {
  const file = await createAtomicFile(path, { partialPath });
  try {
    const { end } = locateElements(layout, { first: 0, count: layout.count });
    await file.write(prologue, 0);
    await file.setLength(prologue.length + end * Float32Array.BYTES_PER_ELEMENT);
  } catch (error) {
    await (partialPath === undefined ? file.discard() : file.close());
    throw error;
  }
  return rowWriter(file, layout, prologue.length);
}

function rowWriter(file: AtomicFile, layout: SequenceLayout, dataOffset: number): SequenceWriter {
  const isWritten = new Uint8Array(layout.count);
  return {
    ...layout,
    path: file.path,
    partialPath: file.partialPath,
    async write(first, count, data) {
      const { begin } = locateElements(layout, { first, count, data });
      await file.write(data, dataOffset + begin * Float32Array.BYTES_PER_ELEMENT);
      isWritten.fill(1, first, first + count);
    },
    assumeWritten(first, count) {
      locateElements(layout, { first, count });
      isWritten.fill(1, first, first + count);
    },
    sync: () => file.sync(),
    async commit() {
      const missing = isWritten.indexOf(0);
      if (missing >= 0) {
        throw expected('INVALID_OPTION', 'every sequence to be written', `sequences[${missing}]`, undefined);
      }
      await file.commit();
    },
    close: () => file.close(),
    discard: () => file.discard(),
  };
}
