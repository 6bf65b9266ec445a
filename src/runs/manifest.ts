// What a manifest records, and what its records add up to: where a run stands. Files are opened elsewhere.
import { invalidFile } from '../core/errors.js';
import { countTokens } from '../files/sequences/layout.js';
import type { SequenceName, StreamPosition } from '../files/sequences/sequences.js';
import type { Failure } from './chunks.js';
import type { RunIdentity } from './identity.js';
import type { RunRequest } from './request.js';
import type { EarlierPart, FinishedParts, TargetParts } from './target.js';

/** Changes whenever a manifest written before can't be understood. */
export const manifestFormat = 1;

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

/** Where a run stands. */
export class RunState {
  readonly #request: RunRequest;
  readonly #places: (StreamPosition | undefined)[];
  readonly #earlier: EarlierPart[][];
  readonly #finished = new Map<number, FinishedParts | undefined>();
  readonly failures: Failure[] = [];
  chunks = 0;
  sequences = 0;
  tokens = 0;
  isComplete = false;

  constructor(request: RunRequest) {
    this.#request = request;
    this.#places = request.inputs.map(() => ({ sequence: 0 }));
    this.#earlier = request.targets.map(() => []);
  }

  /** Where input number `input` goes on; undefined if it has ended. */
  placeOf(input: number): StreamPosition | undefined {
    return this.#places[input];
  }

  /** What was written of a target, in order. */
  partsOf(target: number): readonly EarlierPart[] {
    return this.#earlier[target]!;
  }

  /** Whether nothing is to be written to a target any more. */
  isFinished(target: number): boolean {
    return this.#finished.has(target);
  }

  /** What stands around the rows of a finished target; undefined if it was given up. */
  finishOf(target: number): FinishedParts | undefined {
    return this.#finished.get(target);
  }

  addChunk({ portions, finished }: Pick<ChunkRecord, 'portions' | 'finished'>): void {
    for (const { input, end, isEnded, lengths, names, failures, parts } of portions) {
      this.#places[input] = isEnded ? undefined : end;
      this.failures.push(...failures);
      this.sequences += lengths.length;
      this.tokens += countTokens(lengths);
      if (parts === undefined) continue;
      this.#earlier[this.#request.inputs[input]!.target]!.push({ sequences: { lengths, names }, parts });
    }
    for (const { target, parts } of finished) this.#finished.set(target, parts);
    this.chunks++;
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
