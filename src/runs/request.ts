// What a run is asked to do: everything that its command found out before anything is opened.
import type { SettableOptions } from '../attention/option-rows.js';
import type { AttentionOptions } from '../attention/options.js';
import type { MultiHeadWeights } from '../attention/weights.js';
import type { LeftOut } from '../files/list-folder.js';
import type {
  Embedding,
  FieldChoice,
  FormatName,
  StreamPosition,
  TensorChoice,
} from '../files/sequences/sequences.js';
import type { Dtype } from '../core/tensor/dtype.js';
import type { NonFiniteChoice } from './non-finite.js';

export const poolings = ['mean', 'first', 'last'] as const;
/** One row for each sequence instead of one for each token. */
export type Pooling = (typeof poolings)[number];

/** The path that stands for standard input or output. */
export const standardStream = '-';

/** Sequences of an input that follow one another. */
export interface InputRange {
  readonly start: StreamPosition;
  readonly sequences: number;
  readonly tokens: number;
  /** Whether it goes on to the end of the file, whatever comes there. */
  readonly isLast: boolean;
}

/** An input, and the file that its sequences go to. */
export interface RunInput {
  readonly path: string;
  /** Whose extension doesn't tell it: standard input. */
  readonly format?: FormatName | undefined;
  /** What of it is to be read; default all. */
  readonly range?: InputRange | undefined;
  /** Index of its target. */
  readonly target: number;
}

/** A file to write, or standard output. */
export interface RunTarget {
  readonly path: string;
  readonly format: FormatName;
  /** Where head statistics go, a line of JSON for each sequence. */
  readonly statisticsPath?: string | undefined;
  /** What tells its partial files from those of others that are at the same output. */
  readonly draft?: string | undefined;
}

export interface EmbeddingFile {
  readonly path: string;
  readonly tensors: readonly (string | undefined)[];
  readonly table: Embedding;
}

/** Which tensors of files of several are meant; default what `TensorChoice` says. */
export interface TensorChoices {
  readonly query?: TensorChoice;
  readonly key?: TensorChoice;
  readonly value?: TensorChoice;
}

/** Those that settings say, and those that come with the weights. */
export type RunOptions = SettableOptions & Pick<AttentionOptions, 'qkNorm'>;

export interface RunRequest {
  /** In the order of their targets: all inputs of one target follow one another. */
  readonly inputs: readonly RunInput[];
  /** What was found where inputs were looked for, and is none. */
  readonly leftOut?: readonly LeftOut[];
  readonly targets: readonly RunTarget[];
  /** Sequences to attend, one for each of an input's; default: the input itself. */
  readonly key?: string | undefined;
  /** Their values; default: `key`. */
  readonly value?: string | undefined;
  readonly tensors?: TensorChoices | undefined;
  /** Of .jsonl. */
  readonly fields?: FieldChoice | undefined;
  /** Default 'keep'. */
  readonly nonFinite?: NonFiniteChoice | undefined;
  /** Rows for the token ids of .jsonl. */
  readonly embedding?: EmbeddingFile | undefined;
  readonly weights: MultiHeadWeights;
  readonly options: RunOptions;
  readonly dtype: Dtype;
  readonly pool?: Pooling | undefined;
  /** Where outputs go, one for each input; absent if all go to one file, or to standard output. */
  readonly folder?: string | undefined;
  /** Whether the output is a part of one that several runs make: it never stands for an input as a whole. */
  readonly isPart?: boolean | undefined;
  /** The format that was asked for; in a folder default what each input is. */
  readonly outputFormat?: FormatName | undefined;
  /** Where progress is recorded; absent if the run can't be resumed, as with standard input and output. */
  readonly manifestPath?: string | undefined;
  /** Held while the outputs are written; absent if they go to standard output. */
  readonly lockPath?: string | undefined;
  /** What to do about a damaged file or sequence: end the run, or leave it out and go on. */
  readonly onError: 'stop' | 'skip';
}

/** What a journal of the run needs to know of it. */
export type RecordedRequest = Pick<RunRequest, 'inputs' | 'targets' | 'folder' | 'manifestPath' | 'lockPath'>;

/** Whether head statistics are to be written. */
export function hasStatistics({ targets }: Pick<RunRequest, 'targets'>): boolean {
  return targets.some(({ statisticsPath }) => statisticsPath !== undefined);
}

/** All that is written of a target. */
export function pathsOf({ path, statisticsPath }: RunTarget): string[] {
  return statisticsPath === undefined ? [path] : [path, statisticsPath];
}

/** Numbers of a row of the queries, the keys or the values, before they are projected. */
export function widthOf({ weights }: Pick<RunRequest, 'weights'>, name: 'query' | 'key' | 'value'): number {
  return weights[name].weight.shape[1]!;
}
