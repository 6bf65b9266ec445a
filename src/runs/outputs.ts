// All outputs of a run: opens each when its first input begins, writes chunks, records them, and gives names to what is
// complete. The order makes it safe to be killed anywhere: results, then the record of them, then the names.
import { stat } from 'node:fs/promises';
import type { HeadStatistics } from '../attention/result.js';
import { invalidFile } from '../core/errors.js';
import { attempt } from '../files/attempt.js';
import { createAtomicFile } from '../files/atomic-file.js';
import { exists, requireRegular } from '../files/open-file.js';
import { countTokens } from '../files/sequences/layout.js';
import { isOfInput } from './chunks.js';
import { restartable } from './restartable.js';
import { metadataOf } from './identity.js';
import { removePartial } from './left-files.js';
import type { LoadedChunk, LoadedPortion } from './loaded-chunk.js';
import type { FinishedTarget, PortionRecord } from './manifest.js';
import { pathsOf, standardStream, type RunRequest, type RunTarget } from './request.js';
import type { RowBuffer } from './row-buffer.js';
import type { RunContext } from './run-context.js';
import { idsOf } from './sequence-ids.js';
import { openTarget, partialPathOf, type Target } from './target.js';

export class Outputs {
  readonly #request: RunRequest;
  readonly #context: RunContext;
  /** Those that are neither finished nor untouched, by number. */
  readonly #open = new Map<number, Target>();
  /** Of each target. */
  readonly #inputCounts: readonly number[];

  constructor(request: RunRequest, context: RunContext) {
    this.#request = request;
    this.#context = context;
    const counts = request.targets.map(() => 0);
    for (const { target } of request.inputs) counts[target]!++;
    this.#inputCounts = counts;
  }

  /**
   * Checks what is to be written, before anything is computed, and does what an earlier run recorded but had no time for.
   * @throws FILE_FAILED if an output is no regular file, INVALID_FILE if an earlier one has gone
   */
  async restore(): Promise<void> {
    const { state } = this.#context.journal;
    for (const [number, target] of this.#request.targets.entries()) {
      if (!state.isFinished(number)) await checkName(target);
      else if (state.finishOf(number) !== undefined) {
        await this.#context.journal.assertHeld();
        await restoreName(target);
      } else await removePartial(target);
    }
  }

  /** Resolves once the results of a chunk, and the record of them, have reached the disk. @throws FILE_FAILED */
  async write(chunk: LoadedChunk, rows: RowBuffer, statistics: HeadStatistics | undefined): Promise<void> {
    let [row, entry] = [0, 0];
    const records: PortionRecord[] = [];
    const touched = new Set<Target>();
    const finished = new Map<FinishedTarget, Target | undefined>();
    for (const portion of chunk.portions) {
      const { input, end, isEnded, lengths, names, fields, failures, nonFinite, checksum } = portion;
      const { path } = this.#request.inputs[input]!;
      const first = this.#context.journal.state.placeOf(input)?.sequence ?? 0;
      const sequences = { lengths, names: idsOf(path, first, portion), fields };
      const tokens = countTokens(lengths);
      const target = await this.#targetOf(portion);
      if (target !== undefined) touched.add(target);
      const own = { sequences, rows: rows.rows(row, row + tokens), statistics, entry };
      const parts = lengths.length === 0 ? undefined : await target?.write(own);
      records.push({
        input,
        end,
        isEnded,
        lengths,
        ...(names && { names }),
        failures,
        ...(nonFinite && { nonFinite }),
        ...(checksum !== undefined && { checksum }),
        ...(parts && { parts }),
      });
      if (isEnded && this.#isLast(input)) finished.set(await this.#finish(portion, target), target);
      row += tokens;
      entry += lengths.length;
    }
    await Promise.all([...touched].map((target) => target.sync()));
    await this.#context.journal.record(records, [...finished.keys()]);
    if (finished.size > 0) await this.#context.journal.assertHeld();
    for (const [{ target: number, parts }, target] of finished) {
      if (parts !== undefined) await target?.commit();
      else if (target !== undefined) await target.discard();
      // What was begun of the input as it was before.
      else if (this.#context.journal.isDurable) await removePartial(this.#request.targets[number]!);
      this.#open.delete(number);
    }
  }

  /** Stops and leaves everything for a later run. @throws FILE_FAILED */
  async close(): Promise<void> {
    for (const target of this.#open.values()) await target.close();
    this.#open.clear();
  }

  /** Stops and leaves nothing that is not complete. @throws FILE_FAILED */
  async discard(): Promise<void> {
    for (const target of this.#open.values()) await target.discard();
    this.#open.clear();
  }

  /** The open target of a portion; undefined if its input could not be opened and no other has opened it. */
  async #targetOf({ input, form, layout }: LoadedPortion): Promise<Target | undefined> {
    const { target: number } = this.#request.inputs[input]!;
    const known = this.#open.get(number);
    if (known !== undefined || form === undefined) return known;
    const { layer, journal, identity, standardOutput } = this.#context;
    // What comes from several files has no form of its own, nor what may be left out of the header of one.
    const isWhole = this.#isOfOne(number) && !mayLackSome(this.#request);
    const target = await openTarget(this.#request, this.#request.targets[number]!, {
      rows: {
        form: isWhole ? form : 'packed',
        layout: isWhole ? layout : undefined,
        modelDim: layer.outputDim,
        metadata: metadataOf(identity, number),
      },
      earlier: journal.state.partsOf(number),
      // Nobody looks for the partial files of a run that can't be resumed, so they keep out of the others' way.
      hasPartialNames: journal.isDurable,
      pipe: standardOutput,
    });
    this.#open.set(number, target);
    return target;
  }

  /** Whether all of a target comes from one input. */
  #isOfOne(target: number): boolean {
    return this.#inputCounts[target] === 1 && this.#request.isPart !== true;
  }

  #isLast(input: number): boolean {
    const { inputs } = this.#request;
    return inputs[input + 1]?.target !== inputs[input]!.target;
  }

  /** A target is given up if its only input failed, or if there is nothing that it could hold. */
  async #finish({ input, failures }: LoadedPortion, target: Target | undefined): Promise<FinishedTarget> {
    const { target: number } = this.#request.inputs[input]!;
    const hasFailed = failures.some(isOfInput) && this.#isOfOne(number);
    if (target === undefined || hasFailed) return { target: number };
    return { target: number, parts: await target.finish() };
  }
}

/** Whether sequences may be left out whose file can be read. */
export function mayLackSome({ nonFinite, onError }: Pick<RunRequest, 'nonFinite' | 'onError'>): boolean {
  return nonFinite === 'error' && onError === 'skip';
}

async function checkName(target: RunTarget): Promise<void> {
  for (const path of pathsOf(target)) {
    if (path === standardStream || !(await exists(path))) continue;
    await attempt(path, 'replace', async () => {
      requireRegular(await stat(path));
    });
  }
}

/** Gives a finished target its name, if a process ended before it could. @throws FILE_FAILED, INVALID_FILE if it has gone */
export async function restoreName(target: RunTarget): Promise<void> {
  for (const path of pathsOf(target)) {
    const partialPath = partialPathOf(path, target);
    if (await exists(partialPath)) await (await createAtomicFile(path, { partialPath })).commit();
    else if (!(await exists(path)))
      throw restartable(invalidFile(path, 'the output that was finished', 'path', undefined));
  }
}
