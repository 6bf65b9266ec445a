// What a manifest records, and what its records add up to: where a run stands. Files are opened elsewhere.
import { invalidFile } from '../core/errors.js';
import { append } from '../core/lists.js';
import { countTokens } from '../files/sequences/layout.js';
import type { JsonRecord } from '../files/record-log.js';
import type { SequenceName, StreamPosition } from '../files/sequences/sequences.js';
import type { Failure } from './chunks.js';
import type { RunIdentity } from './identity.js';
import type { NonFiniteCounts } from './non-finite.js';
import type { RecordedRequest } from './request.js';
import { idsOf } from './sequence-ids.js';
import type { EarlierPart, FinishedParts, TargetParts } from './target.js';

/** Changes whenever a manifest written before can't be understood. */
export const manifestFormat = 2;

/** The first record. */
export interface ManifestHead {
  readonly format: number;
  readonly run: RunIdentity;
}

/** What a chunk took of one input, and where its results are. */
export interface PortionRecord {
  readonly input: number;
  readonly end: StreamPosition;
  readonly isEnded: boolean;
  readonly lengths: readonly number[];
  readonly names?: readonly SequenceName[];
  readonly failures: readonly Failure[];
  /** Absent if there are none. */
  readonly nonFinite?: NonFiniteCounts;
  /** CRC-32 of the whole input, in one of its portions. */
  readonly checksum?: number;
  /** Absent if there is nothing to write. */
  readonly parts?: TargetParts;
}

export interface FinishedTarget {
  readonly target: number;
  /** Absent if it was given up, because nothing of its inputs could be read. */
  readonly parts?: FinishedParts;
}

/** A chunk whose results have reached the disk; targets that it finished may not have their names yet. */
export interface ChunkRecord {
  readonly chunk: number;
  readonly portions: readonly PortionRecord[];
  readonly finished: readonly FinishedTarget[];
}

/** The last record: every target has its name. */
export interface CompleteRecord {
  readonly complete: true;
}

/** The chunks among the records of a manifest. @param records all after the head */
export function chunksOf(records: readonly JsonRecord[]): readonly ChunkRecord[] {
  return records.filter(({ complete }) => complete !== true) as unknown as readonly ChunkRecord[];
}

/** What was recorded of one input. */
export interface InputState {
  /** Where it goes on; undefined if it has ended. */
  place: StreamPosition | undefined;
  /** Whether anything was recorded. */
  isBegun: boolean;
  sequences: number;
  tokens: number;
  nonFinite: NonFiniteCounts;
  checksum: number | undefined;
}

/** A portion that was written, and the number of its first sequence in its input. */
interface WrittenPortion {
  readonly record: PortionRecord & { readonly parts: TargetParts };
  readonly first: number;
}

/** What of a request the records of its run speak of. */
type RunParts = Pick<RecordedRequest, 'inputs' | 'targets'>;

/** Where a run stands. */
export class RunState {
  readonly inputs: readonly InputState[];
  readonly #request: RunParts;
  readonly #written: WrittenPortion[][];
  readonly #finished = new Map<number, FinishedParts | undefined>();
  readonly failures: Failure[] = [];
  chunks = 0;
  portions = 0;
  sequences = 0;
  tokens = 0;
  isComplete = false;

  constructor(request: RunParts) {
    this.#request = request;
    this.inputs = request.inputs.map(({ range }) => {
      const nonFinite = { numbers: 0, sequences: 0 };
      return {
        place: range?.start ?? { sequence: 0 },
        isBegun: false,
        sequences: 0,
        tokens: 0,
        nonFinite,
        checksum: undefined,
      };
    });
    this.#written = request.targets.map(() => []);
  }

  /** Where input number `input` goes on; undefined if it has ended. */
  placeOf(input: number): StreamPosition | undefined {
    return this.inputs[input]!.place;
  }

  /** What was written of a target, in order. */
  partsOf(target: number): EarlierPart[] {
    return this.#written[target]!.map(({ record, first }) => {
      const { input, lengths, parts } = record;
      const names = idsOf(this.#request.inputs[input]!.path, first, record);
      return { sequences: { lengths, names }, parts };
    });
  }

  /** The same without the sequences. */
  writtenOf(target: number): TargetParts[] {
    return this.#written[target]!.map(({ record }) => record.parts);
  }

  /** Whether nothing is to be written to a target any more. */
  isFinished(target: number): boolean {
    return this.#finished.has(target);
  }

  /** What stands around the rows of a finished target; undefined if it was given up. */
  finishOf(target: number): FinishedParts | undefined {
    return this.#finished.get(target);
  }

  /** What is said of inputs that the request doesn't have, because their files have gone, changes nothing. */
  addChunk({ portions, finished }: Pick<ChunkRecord, 'portions' | 'finished'>): void {
    for (const portion of portions) this.#addPortion(portion);
    for (const { target, parts } of finished) {
      if (target < this.#written.length) this.#finished.set(target, parts);
    }
    this.chunks++;
  }

  #addPortion(record: PortionRecord): void {
    const { input, end, isEnded, lengths, failures, nonFinite, checksum, parts } = record;
    this.portions++;
    const state = this.inputs[input];
    if (state === undefined) return;
    const first = state.place?.sequence ?? 0;
    const tokens = countTokens(lengths);
    state.place = isEnded ? undefined : end;
    state.isBegun = true;
    state.sequences += lengths.length;
    state.tokens += tokens;
    state.nonFinite = {
      numbers: state.nonFinite.numbers + (nonFinite?.numbers ?? 0),
      sequences: state.nonFinite.sequences + (nonFinite?.sequences ?? 0),
    };
    state.checksum ??= checksum;
    append(this.failures, failures);
    this.sequences += lengths.length;
    this.tokens += tokens;
    if (parts !== undefined)
      this.#written[this.#request.inputs[input]!.target]!.push({ record: { ...record, parts }, first });
  }

  /** @throws INVALID_FILE if the record is none of a run like the request's */
  add(record: Readonly<Record<string, unknown>>, path: string): void {
    if (record.complete === true) {
      this.isComplete = true;
      return;
    }
    const { chunk, portions, finished } = record as unknown as ChunkRecord;
    if (chunk !== this.chunks || !Array.isArray(portions) || !Array.isArray(finished)) {
      throw invalidFile(path, `chunk ${this.chunks}`, 'record', record);
    }
    this.addChunk({ portions, finished });
  }
}
