// Cuts the inputs of a run into chunks of whole sequences, by tokens: a chunk may end inside a file or span many.
// Where it is cut never changes a result. Rows are not read here.
import { Readable } from 'node:stream';
import { HeadpoolError, type ErrorCode } from '../core/errors.js';
import { largestOf } from '../core/lists.js';
import { countTokens } from '../files/sequences/layout.js';
import type { SequenceForm, SequenceLayout, StreamPosition } from '../files/sequences/sequences.js';
import { openInput, type InputPlace, type InputSpan, type OpenInput } from './input.js';
import type { RunRequest } from './request.js';

/** A sequence, or a whole input, that was left out. */
export interface Failure {
  readonly input: number;
  /** Its number in the input, from 0; absent if the input as a whole failed. */
  readonly sequence?: number;
  readonly message: string;
}

/** What a chunk takes of one input. */
export interface Portion {
  readonly input: number;
  /** Absent if the input could not be opened. */
  readonly form?: SequenceForm;
  readonly layout?: SequenceLayout | undefined;
  readonly spans: readonly InputSpan[];
  readonly end: StreamPosition;
  /** How much of the input lies before `end`, if that can be known. */
  readonly share: number | undefined;
  readonly isEnded: boolean;
  readonly failures: readonly Failure[];
}

export interface Chunk {
  readonly portions: readonly Portion[];
}

export interface ChunkLimits {
  /** A chunk has no more, unless one sequence alone has. */
  readonly mostTokens: number;
  /** A longer sequence is refused. */
  readonly mostSequenceTokens: number;
}

/** Where each input goes on; undefined for one that has ended. */
export type InputPlaces = readonly (InputPlace | undefined)[];

// Each may be a file to write; systems allow some thousand open ones.
const mostPortions = 256;

/** What is wrong with the data, as against the run. */
const damage: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'INVALID_FILE',
  'INVALID_SHAPE',
  'FILE_FAILED',
  'MEMORY_LIMIT',
]);

interface OpenPortion {
  readonly spans: InputSpan[];
  readonly failures: Failure[];
  end: StreamPosition;
  share: number | undefined;
  isEnded: boolean;
}

/** Whether the input as a whole failed. */
export function isOfInput({ sequence }: Failure): boolean {
  return sequence === undefined;
}

/** Whether an error tells of a file or a sequence that can be left out. */
export function isDamage(error: unknown): error is HeadpoolError {
  return error instanceof HeadpoolError && damage.has(error.code);
}

/** The error of a sequence that the memory has no room for, or attends one that it has none for. */
export function tooLong(
  { mostSequenceTokens }: ChunkLimits,
  { path, sequence, tokens }: { readonly path: string; readonly sequence: number; readonly tokens: number },
): HeadpoolError | undefined {
  if (tokens <= mostSequenceTokens) return undefined;
  const what = `at most ${mostSequenceTokens} tokens, which the memory allowed has room for,`;
  return new HeadpoolError(
    'MEMORY_LIMIT',
    `${path}: expected ${what} in sequence ${sequence}, got ${tokens}`,
  );
}

export class ChunkSource {
  readonly #request: RunRequest;
  readonly #limits: ChunkLimits;
  readonly #places: InputPlaces;
  #index = 0;
  #file: OpenInput | undefined;
  #end: StreamPosition = { sequence: 0 };
  /** Inputs that ended in the last chunk, whose rows are still to be read. */
  #ended: OpenInput[] = [];
  /** What did not fit into the last chunk. */
  #waiting: InputSpan | undefined;

  constructor(request: RunRequest, limits: ChunkLimits, places: InputPlaces) {
    this.#request = request;
    this.#limits = limits;
    this.#places = places;
  }

  /**
   * The next chunk; undefined after the last. The rows of the one before must have been read by now.
   * @throws what is wrong with an input, unless that is to be skipped
   */
  async next(): Promise<Chunk | undefined> {
    await this.#closeEnded();
    const portions: Portion[] = [];
    const { inputs } = this.#request;
    let room = this.#limits.mostTokens;
    while (this.#index < inputs.length && portions.length < mostPortions && room > 0) {
      if (this.#places[this.#index] === undefined) {
        this.#index++;
        continue;
      }
      const portion = await this.#takePortion(room, room === this.#limits.mostTokens);
      for (const span of portion.spans) room -= weightOf(span);
      if (portion.isEnded) this.#leave();
      else if (portion.spans.length + portion.failures.length === 0) break;
      portions.push(portion);
    }
    return portions.length === 0 ? undefined : { portions };
  }

  /** Takes no more of an input that turned out to be unreadable. */
  abandon(input: number): void {
    if (input === this.#index) this.#leave();
  }

  async close(): Promise<void> {
    // One that is being opened waits for its first bytes, which may never come.
    for (const place of this.#places) if (place?.bytes instanceof Readable) place.bytes.destroy();
    if (this.#file !== undefined) this.#leave();
    await this.#closeEnded();
  }

  async #takePortion(room: number, isFirst: boolean): Promise<Portion> {
    const input = this.#index;
    const place = this.#places[input]!;
    if (this.#file === undefined) this.#end = place.start ?? { sequence: 0 };
    const portion: OpenPortion = { spans: [], failures: [], end: this.#end, share: 0, isEnded: false };
    try {
      this.#file ??= await openInput(this.#request, this.#request.inputs[input]!, place);
      await this.#fill(portion, this.#file, { room, isFirst });
    } catch (error) {
      portion.failures.push({ input, message: this.#excuse(error) });
      portion.isEnded = true;
    }
    const { form, layout } = this.#file?.stream ?? {};
    return { input, ...(form && { form }), layout, ...portion };
  }

  /** Takes spans until the next one doesn't fit; the first of a chunk always does. */
  async #fill(
    portion: OpenPortion,
    file: OpenInput,
    { room, isFirst }: { readonly room: number; readonly isFirst: boolean },
  ): Promise<void> {
    for (let left = room; left > 0;) {
      const span = this.#waiting ?? (await file.next(left));
      this.#waiting = undefined;
      if (span === undefined) {
        portion.isEnded = true;
        portion.share = 1;
        return;
      }
      const isEmpty = isFirst && portion.spans.length === 0;
      if (!('error' in span) && weightOf(span) > left && !isEmpty) {
        this.#waiting = span;
        return;
      }
      const error = 'error' in span ? span.error : this.#tooLong(span);
      if (error === undefined) {
        const taken = span as InputSpan;
        portion.spans.push(taken);
        portion.share = taken.share;
        left -= weightOf(taken);
      } else {
        const sequence = span.end.sequence - 1;
        portion.failures.push({ input: this.#index, sequence, message: this.#excuse(error) });
      }
      portion.end = this.#end = span.end;
    }
  }

  #tooLong({ query, key, end }: InputSpan): HeadpoolError | undefined {
    return tooLong(this.#limits, {
      path: this.#request.inputs[this.#index]!.path,
      sequence: end.sequence - 1,
      tokens: largestOf(key?.lengths ?? [], largestOf(query.lengths)),
    });
  }

  /** What to report of damage that is to be skipped. @throws everything else */
  #excuse(error: unknown): string {
    if (this.#request.onError === 'skip' && isDamage(error)) return error.message;
    throw error;
  }

  #leave(): void {
    if (this.#file !== undefined) this.#ended.push(this.#file);
    this.#file = undefined;
    this.#waiting = undefined;
    this.#index++;
  }

  async #closeEnded(): Promise<void> {
    for (const file of this.#ended.splice(0)) await file.close();
  }
}

/** Tokens to make room for; a sequence without any counts as one, or a chunk could have no end. */
function weightOf({ query, key }: InputSpan): number {
  return Math.max(countTokens(query.lengths), countTokens(key?.lengths ?? []), query.lengths.length);
}
