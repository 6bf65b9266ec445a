// One output of a run while it is written: its rows, and the statistics beside them. It stays partial until committed.
import type { HeadStatistics } from '../attention/result.js';
import { HeadpoolError } from '../core/errors.js';
import {
  openFileSink,
  openPipeSink,
  type ByteSink,
  type Pieces,
  type PipeStream,
  type WrittenPart,
} from '../files/byte-sink.js';
import { pathBeside } from '../files/path-beside.js';
import { formatNamed } from '../files/sequences/formats.js';
import type { OutputOutline, SequenceEncoder, Sequences } from '../files/sequences/sequences.js';
import { restartable } from './restartable.js';
import { poolRows } from './pool-rows.js';
import { standardStream, type RunRequest, type RunTarget } from './request.js';
import { formatStatistics, renumberStatistics } from './statistics-lines.js';

/** What a run says of the rows of all its outputs. */
export type RowsRequest = Pick<RunRequest, 'dtype' | 'pool'>;

/** What was written of one target, a part of each of its files. */
export interface TargetParts {
  readonly rows: WrittenPart;
  readonly statistics?: WrittenPart;
}

/** What was written around the rows. */
export interface FinishedParts {
  readonly prologue: WrittenPart;
  readonly epilogue: WrittenPart;
}

/** Sequences that an earlier process wrote. */
export interface EarlierPart {
  readonly sequences: Sequences;
  readonly parts: TargetParts;
}

/** What the inputs and the run say of an output's rows; the request says the rest. */
export type RowsOutline = Pick<OutputOutline, 'form' | 'layout' | 'modelDim' | 'metadata'>;

export interface TargetOutline {
  readonly rows: RowsOutline;
  readonly earlier: readonly EarlierPart[];
  /** Whether partial files have the names where a later run looks for them. */
  readonly hasPartialNames: boolean;
  /** Where standard output's bytes go. */
  readonly pipe: PipeStream | undefined;
}

/** Results of a chunk that belong to one target. */
export interface TargetRows {
  readonly sequences: Sequences;
  /** [sum of lengths, width]; must not change until they are written. */
  readonly rows: Float32Array;
  readonly statistics: HeadStatistics | undefined;
  /** Number of the first sequence among the entries of `statistics`. */
  readonly entry: number;
}

/** Bytes that another run wrote of sequences. */
export interface CopiedRows {
  readonly rows: Pieces;
  /** How many there are in `rows`. */
  readonly byteLength: number;
  readonly statistics: AsyncIterable<Uint8Array> | undefined;
}

/** The name under which a file of a target grows; a later run that resumes finds it there. */
export function partialPathOf(path: string, { draft = '' }: Pick<RunTarget, 'draft'>): string {
  return pathBeside(path, `${draft}.partial`);
}

/** Touches no file. @throws INVALID_OPTION if the format can't hold what is outlined */
export async function createTargetEncoder(
  { dtype, pool }: RowsRequest,
  { path, format }: RunTarget,
  rows: RowsOutline,
): Promise<SequenceEncoder> {
  return formatNamed(format).createEncoder!({ ...rows, path, dtype, isPooled: pool !== undefined });
}

/**
 * @throws FILE_FAILED; INVALID_OPTION if the format can't hold what is outlined; INVALID_FILE if an earlier run's has
 * another layout
 */
export async function openTarget(
  request: RowsRequest,
  target: RunTarget,
  { rows: outline, earlier, hasPartialNames, pipe }: TargetOutline,
): Promise<Target> {
  const encoder = await createTargetEncoder(request, target, outline);
  refuseOtherLayout(partialPathOf(target.path, target), encoder, earlier);
  const sinks: ByteSink[] = [];
  const open = async (path: string, parts: readonly (WrittenPart | undefined)[]): Promise<ByteSink> => {
    const last = parts.at(-1);
    const byteLength = last === undefined ? 0 : last.begin + last.byteLength;
    const sink =
      path === standardStream && pipe !== undefined
        ? openPipeSink(pipe, 'standard output')
        : await openFileSink(
            path,
            hasPartialNames ? { partialPath: partialPathOf(path, target), byteLength } : undefined,
          );
    sinks.push(sink);
    return sink;
  };
  try {
    const rows = await open(
      target.path,
      earlier.map(({ parts }) => parts.rows),
    );
    const { statisticsPath } = target;
    const statistics =
      statisticsPath === undefined
        ? undefined
        : await open(
            statisticsPath,
            earlier.map(({ parts }) => parts.statistics),
          );
    if (rows.byteLength === 0) await rows.append([encoder.prologue]);
    return new Target(request, { encoder, rows, statistics, width: outline.modelDim }, earlier);
  } catch (error) {
    // What an earlier run wrote stays.
    await Promise.all(sinks.map((sink) => (earlier.length > 0 ? sink.close() : sink.discard())));
    throw error;
  }
}

/** A header that lists its sequences has no room for another, nor another for what it lists. */
function refuseOtherLayout(
  path: string,
  { prologue }: SequenceEncoder,
  [first]: readonly EarlierPart[],
): void {
  if (first === undefined || first.parts.rows.begin === prologue.byteLength) return;
  throw restartable(
    new HeadpoolError(
      'INVALID_FILE',
      `${path}: expected a header of ${prologue.byteLength} bytes, got one of ${first.parts.rows.begin}, as another \`--on-error\` makes it: go on with the one that it was begun with`,
    ),
  );
}

interface TargetFiles {
  readonly encoder: SequenceEncoder;
  readonly rows: ByteSink;
  readonly statistics: ByteSink | undefined;
  readonly width: number;
}

export class Target {
  readonly #pool: RunRequest['pool'];
  readonly #files: TargetFiles;
  #sequences = 0;

  constructor({ pool }: RowsRequest, files: TargetFiles, earlier: readonly EarlierPart[]) {
    this.#pool = pool;
    this.#files = files;
    for (const { sequences, parts } of earlier) {
      files.encoder.assume(this.#written(sequences), parts.rows.byteLength);
      this.#sequences += sequences.lengths.length;
    }
  }

  /** How many there are so far. */
  get sequences(): number {
    return this.#sequences;
  }

  /** @throws FILE_FAILED, INVALID_OPTION if the format can't hold the sequences */
  async write({ sequences, rows, statistics, entry }: TargetRows): Promise<TargetParts> {
    const { encoder, width, rows: rowSink, statistics: statisticsSink } = this.#files;
    const { lengths } = sequences;
    const kept = this.#pool === undefined ? rows : poolRows({ rows, lengths, width }, this.#pool);
    const part = await rowSink.append(encoder.encode(this.#written(sequences), kept));
    const first = this.#sequences;
    this.#sequences += lengths.length;
    if (statisticsSink === undefined || statistics === undefined) return { rows: part };
    const lines = formatStatistics({ ...sequences, first, entry }, statistics);
    return { rows: part, statistics: await statisticsSink.append([lines]) };
  }

  /**
   * Takes over what another run wrote of sequences that follow those before, in the same format.
   * @throws FILE_FAILED, INVALID_OPTION if the format can't hold the sequences
   */
  async copy(sequences: Sequences, { rows, statistics, byteLength }: CopiedRows): Promise<TargetParts> {
    const { encoder, rows: rowSink, statistics: statisticsSink } = this.#files;
    encoder.assume(this.#written(sequences), byteLength);
    const part = await rowSink.append(rows);
    const first = this.#sequences;
    this.#sequences += sequences.lengths.length;
    if (statisticsSink === undefined || statistics === undefined) return { rows: part };
    return { rows: part, statistics: await statisticsSink.append(renumberStatistics(statistics, first)) };
  }

  /** Writes what comes last, and over the beginning what is known only now. @throws FILE_FAILED, INVALID_OPTION */
  async finish(): Promise<FinishedParts> {
    const { encoder, rows } = this.#files;
    const { prologue = encoder.prologue, epilogue } = encoder.finish();
    const last = await rows.append([epilogue]);
    return { prologue: await rows.rewrite(prologue), epilogue: last };
  }

  async sync(): Promise<void> {
    await this.#each((sink) => sink.sync());
  }

  /** Puts the files under their names. */
  async commit(): Promise<void> {
    await this.#each((sink) => sink.commit());
  }

  async close(): Promise<void> {
    await this.#each((sink) => sink.close());
  }

  async discard(): Promise<void> {
    await this.#each((sink) => sink.discard());
  }

  #written({ lengths, ...others }: Sequences): Sequences {
    return { ...others, lengths: this.#pool === undefined ? lengths : lengths.map(() => 1) };
  }

  async #each(step: (sink: ByteSink) => Promise<void>): Promise<void> {
    const { rows, statistics } = this.#files;
    await Promise.all([step(rows), statistics && step(statistics)]);
  }
}
