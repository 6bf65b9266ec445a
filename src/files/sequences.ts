// What a file of sequences offers, whatever its format: rows of modelDim numbers, divided into sequences.
// Types only; sequence-files.ts knows who implements them.

/**
 * - packed: one tensor of all rows, with offsets
 * - named: a tensor a sequence, each with a name
 * - stacked: equal lengths, [count, tokens, modelDim]
 * - single: one sequence, [tokens, modelDim]
 */
export type SequenceForm = 'packed' | 'named' | 'stacked' | 'single';

/** How rows are divided into sequences; made by `createLayout`, and shared by an input and its output. */
export interface SequenceLayout {
  readonly form: SequenceForm;
  readonly modelDim: number;
  /** How many sequences there are. */
  readonly count: number;
  /** The tokens of each sequence, 0 included. */
  readonly lengths: readonly number[];
  /** [count + 1]: the first row of each sequence, and the number of all rows. */
  readonly offsets: readonly number[];
  /** [count], of form 'named' only. */
  readonly names?: readonly string[];
}

export interface SequenceReader extends SequenceLayout {
  readonly path: string;
  /** What the file says about itself; empty where the format has no place for it. */
  readonly metadata: ReadonlyMap<string, string>;
  /**
   * Fills `target` [tokens, modelDim], which may be shared memory, with the sequences `first` … `first + count - 1`,
   * one after another. Calls may overlap in time.
   * @throws INVALID_OPTION if there are no such sequences, INVALID_SHAPE if `target` has another length,
   * INVALID_FILE if the file has shrunk, FILE_FAILED
   */
  read(first: number, count: number, target: Float32Array): Promise<void>;
  close(): Promise<void>;
}

export interface SequenceWriter extends SequenceLayout {
  readonly path: string;
  /** Where the rows are until `commit`; a later run that passes it as an option continues there. */
  readonly partialPath: string;
  /**
   * Writes `data` [tokens, modelDim], the sequences `first` … `first + count - 1` one after another. Any order will
   * do, and calls may overlap in time. The data must not change before it resolves.
   * @throws INVALID_OPTION, INVALID_SHAPE, FILE_FAILED
   */
  write(first: number, count: number, data: Float32Array): Promise<void>;
  /** Takes the sequences for written: by an earlier run into the same partial file, or meant to stay zeros. */
  assumeWritten(first: number, count: number): void;
  /** Resolves once what was written has reached the disk. @throws FILE_FAILED */
  sync(): Promise<void>;
  /**
   * Puts the complete file under its name.
   * @throws INVALID_OPTION if a sequence was not written; FILE_FAILED
   */
  commit(): Promise<void>;
  /** Stops and leaves the partial file for a later run. @throws FILE_FAILED */
  close(): Promise<void>;
  /** Stops and removes the partial file; does nothing after `commit`. @throws FILE_FAILED */
  discard(): Promise<void>;
}

export interface SequenceWriterOptions {
  /** Of the rows written; default the layout's own. */
  readonly modelDim?: number | undefined;
  /** Kept in the file by formats that have a place for it; .npy has none. */
  readonly metadata?: ReadonlyMap<string, string> | undefined;
  /** Where to write until `commit`, beside the final name; an existing file is continued. Default: a new name. */
  readonly partialPath?: string | undefined;
}

/** One format of files; the registry holds all of them. */
export interface SequenceFormat {
  /** With its dot, in lower case. */
  readonly extension: string;
  openReader(path: string): Promise<SequenceReader>;
  /** @param layout with the modelDim to write */
  createWriter(
    path: string,
    layout: SequenceLayout,
    options: Omit<SequenceWriterOptions, 'modelDim'>,
  ): Promise<SequenceWriter>;
}
