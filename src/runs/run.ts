// One run: reads a chunk while the one before it is computed and the one before that is written. A chunk is recorded
// once its results have reached the disk, and the last part of the next one waits for that: whatever kills the process,
// no more than one whole chunk was computed in vain. A file gets its name once it is complete.
import type { AttentionResult, HeadStatistics } from '../attention/result.js';
import type { MultiHeadAttention } from '../engine/multi-head-attention.js';
import { HeadpoolError } from '../core/errors.js';
import { countTokens } from '../files/sequences/layout.js';
import { ChunkSource, isOfInput, type ChunkLimits, type Failure } from './chunks.js';
import { InputGuard } from './input-guard.js';
import { computeChunk } from './compute-chunk.js';
import { loadChunk, type InputBuffers, type LoadedChunk } from './loaded-chunk.js';
import { Outputs } from './outputs.js';
import { hasStatistics, standardStream, widthOf, type RunRequest } from './request.js';
import { RowBuffer } from './row-buffer.js';
import type { RunContext } from './run-context.js';

export interface RunProgress {
  readonly tokens: number;
  readonly sequences: number;
  /** The last input of the chunk, and how much of it is done, if that can be known. */
  readonly input: number;
  readonly share: number | undefined;
  readonly failures: readonly Failure[];
}

export interface RunHooks {
  readonly onProgress?: (progress: RunProgress) => void;
  /** Ends the run after the chunk that is being computed. */
  readonly signal?: AbortSignal | undefined;
  /** Told of what went wrong and was tried again. */
  readonly onRetry?: (error: HeadpoolError) => void;
}

/** A worker that is lost takes what it computes with it; that often, it is computed again. */
const mostRetries = 2;

/**
 * Computes what the journal doesn't have yet, and puts every output under its name.
 * @throws FILE_FAILED, INVALID_FILE, what `forward` throws, and the signal's reason; what was recorded stays then, and a
 * later run can go on from there
 */
export async function executeRun(
  request: RunRequest,
  context: RunContext,
  hooks: RunHooks = {},
): Promise<void> {
  const { journal } = context;
  const outputs = new Outputs(request, context);
  const pipeline = new Pipeline(request, context, outputs, hooks);
  try {
    await outputs.restore();
    if (journal.state.isComplete) return;
    await pipeline.run();
    await journal.complete();
  } catch (error) {
    await pipeline.settle();
    await (journal.canResume ? outputs.close() : outputs.discard());
    throw error;
  }
}

class Pipeline {
  readonly #request: RunRequest;
  readonly #context: RunContext;
  readonly #outputs: Outputs;
  readonly #hooks: RunHooks;
  readonly #source: ChunkSource;
  readonly #guard: InputGuard;
  readonly #inputs: readonly InputBuffers[];
  readonly #results: readonly RowBuffer[];
  #writing: Promise<void> = Promise.resolve();
  #reading: Promise<LoadedChunk | undefined> = Promise.resolve(undefined);

  constructor(request: RunRequest, context: RunContext, outputs: Outputs, hooks: RunHooks) {
    const { limits, layer, journal, identity, standardInput: bytes } = context;
    this.#request = request;
    this.#context = context;
    this.#outputs = outputs;
    this.#hooks = hooks;
    const places = request.inputs.map(({ path }, input) => {
      const start = journal.state.placeOf(input);
      return start && { start, ...(path === standardStream && bytes && { bytes }) };
    });
    this.#source = new ChunkSource(request, limits, places);
    this.#guard = new InputGuard(identity, journal.state);
    this.#inputs = [createInputs(request, limits), createInputs(request, limits)];
    this.#results = [0, 1].map(() => new RowBuffer(layer.outputDim, limits.mostTokens));
  }

  async run(): Promise<void> {
    this.#read(0);
    for (let turn = 0; ; turn++) {
      const chunk = await this.#nextChunk();
      if (chunk === undefined) break;
      this.#read(turn + 1);
      // Where the start of a run ends, for profiles and for its benchmark.
      if (turn === 0) performance.mark('headpool: first chunk');
      const rows = this.#results[turn % 2]!;
      const statistics = await this.#compute(chunk, rows);
      this.#write(chunk, rows, statistics);
      if (this.#hooks.signal?.aborted === true) break;
    }
    await this.#writing;
    await this.settle();
    this.#hooks.signal?.throwIfAborted();
  }

  /** Resolves when nothing is under way any more, however it ended. */
  async settle(): Promise<void> {
    // Closing first: standard input may have nothing to read for hours.
    await Promise.allSettled([this.#source.close(), this.#reading, this.#writing]);
    await this.#source.close();
  }

  /** What is read next; undefined at the end, or if the run is to stop while it waits. */
  #nextChunk(): Promise<LoadedChunk | undefined> {
    const { signal } = this.#hooks;
    if (signal === undefined) return this.#reading;
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        resolve(undefined);
      };
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      void this.#reading.then(resolve, reject).finally(() => {
        signal.removeEventListener('abort', stop);
      });
    });
  }

  #read(turn: number): void {
    const load = async (): Promise<LoadedChunk | undefined> => {
      const chunk = await this.#source.next();
      if (chunk === undefined) return undefined;
      const loaded = await loadChunk(chunk, this.#inputs[turn % 2]!, {
        isSkipping: this.#request.onError === 'skip',
        isRefusingNonFinite: this.#request.nonFinite === 'error',
        pathOf: (input) => this.#request.inputs[input]!.path,
        vouch: (input, isEnded) => this.#guard.vouch(input, isEnded),
      });
      for (const { input, failures } of loaded.portions) {
        if (failures.some(isOfInput)) this.#source.abandon(input);
      }
      return loaded;
    };
    this.#reading = load();
    // It is awaited in its turn; until then a failure must not end the process.
    this.#reading.catch(() => undefined);
  }

  async #compute(chunk: LoadedChunk, output: RowBuffer): Promise<HeadStatistics | undefined> {
    if (chunk.sequences === 0) {
      // The next chunk's results go where those lie that are being written now.
      await this.#writing;
      return undefined;
    }
    const { options } = this.#request;
    const headStatistics = hasStatistics(this.#request);
    return computeChunk(chunk, {
      forward: (inputs, call) => this.#forward(inputs, call),
      options: { ...options, ...(headStatistics && { headStatistics }) },
      output,
      beforeLast: () => this.#writing,
    });
  }

  async #forward(...call: Parameters<MultiHeadAttention['forward']>): Promise<AttentionResult> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.#context.layer.forward(...call);
      } catch (error) {
        const isLost = error instanceof HeadpoolError && error.code === 'WORKER_LOST';
        if (!isLost || tries === mostRetries) throw error;
        this.#hooks.onRetry?.(error);
      }
    }
  }

  /** Begins when the chunk before has been written: the last part of this one was computed after that. */
  #write(chunk: LoadedChunk, rows: RowBuffer, statistics: HeadStatistics | undefined): void {
    const write = async (): Promise<void> => {
      await this.#writing;
      await this.#outputs.write(chunk, rows, statistics);
      this.#report(chunk);
    };
    this.#writing = write();
    // It is awaited by the next chunk, or in the end; until then a failure must not end the process.
    this.#writing.catch(() => undefined);
  }

  #report({ portions }: LoadedChunk): void {
    for (const { input, share, lengths, failures } of portions) {
      const progress = { tokens: countTokens(lengths), sequences: lengths.length, input, share, failures };
      this.#hooks.onProgress?.(progress);
    }
  }
}

function createInputs(request: RunRequest, { mostTokens }: ChunkLimits): InputBuffers {
  const { key, value } = request;
  const create = (name: keyof InputBuffers): RowBuffer => new RowBuffer(widthOf(request, name), mostTokens);
  return {
    query: create('query'),
    ...(key !== undefined && { key: create('key') }),
    ...(value !== undefined && { value: create('value') }),
  };
}
