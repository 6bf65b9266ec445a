// What a file of sequences offers, whatever its format: rows of modelDim numbers, divided into sequences.
// Types, and the names of formats; formats.ts knows who implements them.
import type { HeadpoolError } from '../../core/errors.js';
import type { Dtype } from '../../core/tensor/dtype.js';

export const writableFormats = ['safetensors', 'npy', 'jsonl', 'arrow', 'parquet'] as const;
/** Those that can be read from a pipe and written into one. */
export const pipeableFormats = ['jsonl', 'arrow'] as const satisfies readonly WritableFormat[];
/** Those that standard input may bring. */
export const inputFormats = [...pipeableFormats, 'npy', 'npz'] as const satisfies readonly FormatName[];
export type WritableFormat = (typeof writableFormats)[number];
/** .npz is only read. */
export type FormatName = WritableFormat | 'npz';

/**
 * - packed: one tensor of all rows, with offsets
 * - named: a tensor a sequence, each with a name
 * - stacked: equal lengths, [count, tokens, modelDim]
 * - single: one sequence, [tokens, modelDim]
 */
export type SequenceForm = 'packed' | 'named' | 'stacked' | 'single';

/** What a file calls a sequence; null where it has no name. */
export type SequenceName = string | number | null;

/** Other fields of a line of JSON as they stood there, `"a":1,"b":[2]`; '' if there are none. */
export type KeptFields = string;

/** How rows are divided into sequences; made by `createLayout`. */
export interface SequenceLayout {
  readonly form: SequenceForm;
  readonly modelDim: number;
  /** How many sequences there are. */
  readonly count: number;
  /** The tokens of each sequence, 0 included. */
  readonly lengths: readonly number[];
  /** [count + 1]: the first row of each sequence, and the number of all rows. */
  readonly offsets: readonly number[];
  /** [count]: always of form 'named', sometimes of others. */
  readonly names?: readonly SequenceName[];
}

/** An open file whose header tells every length: any of its sequences can be read at any time. */
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

/** Where a stream goes on: all that a later process needs to open it there. */
export interface StreamPosition {
  /** Sequences before it, damaged ones included. */
  readonly sequence: number;
  /** Bytes before it, for formats that are read by lines. */
  readonly byte?: number;
  /** Lines before it, for messages. */
  readonly line?: number;
}

/** Sequences that follow one another in a stream; their rows are read when asked for. */
export interface SequenceSpan {
  /** Tokens of each. */
  readonly lengths: readonly number[];
  /** As many as lengths. */
  readonly names?: readonly SequenceName[];
  /** As many as lengths, where other fields are kept. */
  readonly fields?: readonly KeptFields[];
  /**
   * Fills `target` [sum of lengths, modelDim], which may be shared memory. Once; spans may be read in any order.
   * @throws INVALID_FILE, FILE_FAILED
   */
  read(target: Float32Array): Promise<void>;
  /** One of the sequences alone, of spans whose reading may fail for one of them; any number of times. */
  readonly readOne?: (index: number, target: Float32Array) => Promise<void>;
  /** Behind its last sequence. */
  readonly end: StreamPosition;
  /** How much of the file lies before `end`: 0 … 1, or undefined if nobody can know, as of standard input. */
  readonly share: number | undefined;
}

/** One sequence that can't be read, though those after it can. */
export interface DamagedSequence {
  /** INVALID_FILE, naming the file, the line or row, and the field. */
  readonly error: HeadpoolError;
  readonly end: StreamPosition;
}

/** The sequences of a file in their order, a span at a time. */
export interface SequenceStream {
  readonly path: string;
  readonly form: SequenceForm;
  /** All lengths, for formats whose header tells them. */
  readonly layout: SequenceLayout | undefined;
  readonly metadata: ReadonlyMap<string, string>;
  /**
   * The next sequences, as many as fit into `mostTokens` and at most `mostSequences` (default any number), at least one
   * if there is any; undefined at the end. One call at a time.
   * @throws INVALID_FILE if nothing after this point can be read, FILE_FAILED
   */
  next(mostTokens: number, mostSequences?: number): Promise<SequenceSpan | DamagedSequence | undefined>;
  close(): Promise<void>;
}

/** Which tensors of a file of several are meant. */
export interface TensorChoice {
  /** The one with the rows; default: all that are rows, or the only one. */
  readonly tensor?: string | undefined;
  /** Lengths [count], or a mask [count, tokens]; default: `lengths` or `attention_mask`, if one is there. */
  readonly lengths?: string | undefined;
}

/** Rows for token ids: the sum of both tables' rows is the token. */
export interface Embedding {
  readonly modelDim: number;
  /** How many ids there are. */
  readonly vocabulary: number;
  /** The longest sequence that the positions allow; Infinity without positions. */
  readonly mostTokens: number;
  /** Fills `target` [ids.length, modelDim]; ids and positions must be in range. */
  embed(ids: readonly number[], target: Float32Array): void;
}

export interface StreamSource {
  /** For messages too. */
  readonly path: string;
  /** What to read instead of the file, such as standard input. */
  readonly bytes?: AsyncIterable<Uint8Array>;
  /** The width that every row must have. */
  readonly modelDim: number;
  /** Where an earlier process stopped; default the beginning. Never together with `bytes`. */
  readonly start?: StreamPosition | undefined;
  /** Whether the first damaged sequence ends the reading, so that nobody needs to know where the next one begins. */
  readonly isEndedByDamage?: boolean;
  /** For rows that are token ids. */
  readonly embedding?: Embedding | undefined;
  /** Only of formats that hold several tensors. */
  readonly tensors?: TensorChoice | undefined;
  /** Only of .jsonl. */
  readonly fields?: FieldChoice | undefined;
}

/** What is read of lines of JSON. */
export interface FieldChoice {
  /** The one with the rows; default `x`. */
  readonly field?: string | undefined;
  /** Whether others are kept as they stand. */
  readonly isKeepingOthers?: boolean | undefined;
}

/** What an encoder is told before the first sequence. */
export interface OutputOutline {
  /** For messages. */
  readonly path: string;
  readonly form: SequenceForm;
  readonly modelDim: number;
  readonly dtype: Dtype;
  /** All sequences, where they are known from the start; always of form 'named', whose header lists them. */
  readonly layout?: Pick<SequenceLayout, 'names' | 'lengths'> | undefined;
  /** Each sequence is one row, and no axis of tokens is written where the format can leave it out. */
  readonly isPooled: boolean;
  /** Kept by formats that have a place for it. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Sequences to write, after those that were written before. */
export interface Sequences {
  readonly lengths: readonly number[];
  readonly names?: readonly SequenceName[] | undefined;
  /** Written by formats that have a place for them. */
  readonly fields?: readonly KeptFields[] | undefined;
}

/** Turns sequences into the bytes of a file. It touches no file, and the bytes don't depend on how calls are cut. */
export interface SequenceEncoder {
  /** What the file begins with; `finish` may replace it by as many bytes. */
  readonly prologue: Uint8Array;
  /**
   * The bytes of sequences that follow the ones before.
   * @param rows [sum of lengths, modelDim]; must not change until the bytes are written, because they may be its own
   * @throws INVALID_OPTION if the format can't hold them
   */
  encode(sequences: Sequences, rows: Float32Array): readonly ArrayBufferView[];
  /** Takes sequences for encoded, by an earlier process and into `byteLength` bytes. */
  assume(sequences: Sequences, byteLength: number): void;
  /** What comes last, and what the file really begins with; `prologue` is absent if the first one stands. */
  finish(): { readonly prologue?: Uint8Array; readonly epilogue: Uint8Array };
}

/** How a format of files reads and writes. */
export interface FormatImplementation {
  /** @throws INVALID_FILE, FILE_FAILED; INVALID_SHAPE if the file says another width */
  openStream(source: StreamSource): Promise<SequenceStream>;
  /** Only of formats whose header tells every length. */
  readonly openReader?: (path: string, choice?: TensorChoice) => Promise<SequenceReader>;
  /** Only of formats that can be written. @throws INVALID_OPTION if the format can't hold what is outlined */
  readonly createEncoder?: (outline: OutputOutline) => Promise<SequenceEncoder>;
}

/** One format of files; the registry holds all of them. */
export interface SequenceFormat extends FormatImplementation {
  readonly name: FormatName;
  /** With their dots, in lower case. */
  readonly extensions: readonly string[];
  /** Whether the prologue stands from the start, so that the bytes can go into a pipe. */
  readonly isPipeable: boolean;
  /** Whether it is read inside .gz and .zst too. */
  readonly isCompressible: boolean;
}
