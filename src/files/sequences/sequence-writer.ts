// Writes a file of sequences one after another; it appears under its name complete or not at all.
import { openFileSink, type ByteSink } from '../byte-sink.js';
import { writableFormatOf } from './formats.js';
import type { OutputOutline, SequenceEncoder, Sequences } from './sequences.js';

export type WriterOptions = Pick<OutputOutline, 'modelDim'> & Partial<Omit<OutputOutline, 'path'>>;

/**
 * Starts a file whose format its extension says; by default packed, f32, without metadata.
 * @throws INVALID_OPTION if the extension is unknown, or of a format that can only be read or can't hold what is asked
 * for; FILE_FAILED
 */
export async function createSequenceWriter(path: string, options: WriterOptions): Promise<SequenceWriter> {
  const outline: OutputOutline = {
    form: 'packed',
    dtype: 'f32',
    isPooled: false,
    metadata: new Map<string, string>(),
    ...options,
    path,
  };
  const encoder = await writableFormatOf(path).createEncoder!(outline);
  const sink = await openFileSink(path);
  const writer = new SequenceWriter(encoder, sink);
  await writer.discardOnError(() => sink.append([encoder.prologue]));
  return writer;
}

export class SequenceWriter {
  readonly #encoder: SequenceEncoder;
  readonly #sink: ByteSink;

  constructor(encoder: SequenceEncoder, sink: ByteSink) {
    this.#encoder = encoder;
    this.#sink = sink;
  }

  /**
   * Writes sequences after those before; one call at a time.
   * @param rows [sum of lengths, modelDim]
   * @throws FILE_FAILED, and INVALID_OPTION if the format can't hold them; nothing is left of the file then
   */
  async append(sequences: Sequences, rows: Float32Array): Promise<void> {
    await this.discardOnError(() => this.#sink.append(this.#encoder.encode(sequences, rows)));
  }

  /** Puts the complete file under its name. @throws FILE_FAILED; nothing is left of the file then */
  async commit(): Promise<void> {
    await this.discardOnError(async () => {
      const { prologue, epilogue } = this.#encoder.finish();
      await this.#sink.append([epilogue]);
      if (prologue !== undefined) await this.#sink.rewrite(prologue);
      await this.#sink.commit();
    });
  }

  /** Stops, and leaves nothing of the file. @throws FILE_FAILED */
  async discard(): Promise<void> {
    await this.#sink.discard();
  }

  async discardOnError<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      await this.#sink.discard();
      throw error;
    }
  }
}
