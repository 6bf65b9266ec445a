// Short calls of a layer whose options agree, computed as one ragged batch: its weights are read once for all their rows.
// Calls are gathered while earlier ones are computed, never by waiting for others; the bytes of a result don't depend on
// what it was gathered with.
import { allocateShared } from '../core/tensor/shared-memory.js';
import type { Batching } from './engine-options.js';
import type { Span } from './job-block.js';
import { onAbort } from './on-abort.js';

/** A call that may be gathered: rows of one or more sequences. */
export interface GatheredCall {
  readonly rows: Float32Array<SharedArrayBuffer>;
  /** Tokens of each sequence. */
  readonly lengths: readonly number[];
  readonly signal: AbortSignal | undefined;
}

/** One pass over the rows of several calls. */
export interface Pass {
  readonly rows: Float32Array<SharedArrayBuffer>; // [tokens, modelDim]
  readonly offsets: readonly number[];
  /** Aborted once nobody waits for the pass any more. */
  readonly signal: AbortSignal;
  readonly calls: number;
}

/** What a pass gives. */
export interface PassOutput {
  readonly output: Float32Array; // [tokens, outputDim]
  readonly spans: readonly Span[];
}

interface Member extends GatheredCall {
  readonly tokens: number;
  readonly resolve: (output: PassOutput) => void;
  readonly reject: (reason: unknown) => void;
  /** Called once where the call waits no more. */
  stopListening: (() => void) | undefined;
}

// One is computed and the next one is ready, so that no worker is idle between them.
const mostPasses = 2;
// Parts of a pass: a call of more tokens fills the workers by itself.
const leastCalls = 4;

export class Gathering {
  readonly #limits: Batching;
  readonly #modelDim: number;
  readonly #compute: (pass: Pass) => Promise<PassOutput>;
  #waiting: Member[] = [];
  #passes = 0;
  #flush: { cancel(): void } | undefined;

  /** @param compute runs a pass: its output [tokens, outputDim] */
  constructor(limits: Batching, modelDim: number, compute: (pass: Pass) => Promise<PassOutput>) {
    this.#limits = limits;
    this.#modelDim = modelDim;
    this.#compute = compute;
  }

  /** Whether nobody waits for anything. */
  get isIdle(): boolean {
    return this.#passes === 0 && this.#waiting.length === 0;
  }

  /** Whether a call of so many tokens is short enough. */
  static fits(tokens: number, { maxTokens }: Batching): boolean {
    return tokens > 0 && tokens * leastCalls <= maxTokens;
  }

  /**
   * The output [tokens, outputDim] of a call, in memory that others may share: to be copied at once.
   * @throws the signal's reason, at once; what the pass fails with
   */
  async join(call: GatheredCall): Promise<PassOutput> {
    return new Promise((resolve, reject) => {
      const { signal } = call;
      const tokens = call.lengths.reduce((sum, length) => sum + length, 0);
      const member: Member = { ...call, tokens, resolve, reject, stopListening: undefined };
      if (signal !== undefined) {
        member.stopListening = onAbort(signal, () => {
          this.#waiting = this.#waiting.filter((other) => other !== member);
          reject(signal.reason as Error);
        });
      }
      this.#waiting.push(member);
      this.#schedule();
    });
  }

  /** Sees to it that the calls that wait are computed: as soon as there is room for a pass, at the latest when one is due. */
  #schedule(): void {
    if (this.#waitingTokens() >= this.#limits.maxTokens) this.#start();
    if (this.#waiting.length === 0 || this.#flush !== undefined) return;
    const flush = (): void => {
      this.#flush = undefined;
      if (this.#waiting.length > 0) this.#start();
    };
    if (this.#passes < mostPasses) {
      // Callers that come in the same turn of the event loop, as those whose calls have just ended.
      const immediate = setImmediate(flush);
      this.#flush = {
        cancel: () => {
          clearImmediate(immediate);
        },
      };
    } else {
      const timer = setTimeout(flush, this.#limits.maxDelayMs);
      this.#flush = {
        cancel: () => {
          clearTimeout(timer);
        },
      };
    }
  }

  #waitingTokens(): number {
    return this.#waiting.reduce((sum, { tokens }) => sum + tokens, 0);
  }

  #start(): void {
    let tokens = 0;
    let count = 0;
    for (const member of this.#waiting) {
      if (count > 0 && tokens + member.tokens > this.#limits.maxTokens) break;
      tokens += member.tokens;
      count++;
    }
    void this.#run(this.#waiting.splice(0, count), tokens);
  }

  async #run(members: readonly Member[], tokens: number): Promise<void> {
    const controller = new AbortController();
    let awaited = members.length;
    for (const member of members) {
      const { signal } = member;
      member.stopListening?.();
      if (signal === undefined) continue;
      member.stopListening = onAbort(signal, () => {
        // The others go on; its rows are its own copy.
        member.reject(signal.reason);
        if (--awaited === 0) controller.abort(signal.reason);
      });
    }
    this.#passes++;
    try {
      const rows = new Float32Array(allocateShared(4 * tokens * this.#modelDim));
      const offsets = [0];
      let at = 0;
      for (const member of members) {
        rows.set(member.rows, at * this.#modelDim);
        for (const length of member.lengths) offsets.push((at += length));
      }
      const { output, spans } = await this.#compute({
        rows,
        offsets,
        signal: controller.signal,
        calls: members.length,
      });
      const width = output.length / tokens;
      let row = 0;
      for (const member of members) {
        const end = row + member.tokens;
        member.resolve({ output: output.subarray(row * width, end * width), spans });
        row = end;
      }
    } catch (error) {
      for (const member of members) member.reject(error);
    } finally {
      for (const member of members) member.stopListening?.();
      this.#passes--;
      this.#flush?.cancel();
      this.#flush = undefined;
      this.#schedule();
    }
  }
}
