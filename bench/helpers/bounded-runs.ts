// Runs of the command that may hold `--memory` at most: what they took besides a process that has next to nothing to do.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './command.js';

const modelDim = 256;
const memory = '150MB';
const memoryBytes = 150e6;
/** What the heap of V8 grows by for the texts that lines of JSON are made of, whatever their number. */
const textBytes = 30e6;

export interface BoundedRun {
  readonly format: string;
  /** That the larger run may take more than the smaller one. */
  readonly allowedBytes: number;
  /** The most that was resident in a run of one token, and in one of many chunks. */
  readonly idleBytes: number;
  readonly peakBytes: number;
}

/** @param sequences of up to 2,048 tokens */
export async function measureBounded(sequences: number, threads: number): Promise<BoundedRun[]> {
  const folder = await mkdtemp(join(tmpdir(), 'headpool-bench-'));
  const at = (name: string): string => join(folder, name);
  const make = async (what: string, name: string, ...flags: readonly (string | number)[]): Promise<void> => {
    await runCommand(['make-' + what, '-o', at(name), '--model-dim', modelDim, ...flags].map(String));
  };
  const peakOf = async (input: string, output: string): Promise<number> => {
    const files = ['-i', at(input), '--weights', at('w.safetensors'), '-o', at(output)];
    const how = ['--memory', memory, '--threads', String(threads), '--restart', '--json'];
    return (await runCommand(['run', ...files, ...how])).peakBytes;
  };
  try {
    await make('weights', 'w.safetensors', '--heads', 4);
    const runs: BoundedRun[] = [];
    for (const format of ['safetensors', 'jsonl']) {
      const [few, many, output] = [`few.${format}`, `many.${format}`, `y.${format}`] as const;
      await make('sequences', few, '--sequences', 1, '--min-length', 1, '--max-length', 1);
      await make('sequences', many, '--sequences', sequences, '--min-length', 64, '--max-length', 2048);
      const allowedBytes = memoryBytes + (format === 'jsonl' ? textBytes : 0);
      const [idleBytes, peakBytes] = [await peakOf(few, output), await peakOf(many, output)];
      runs.push({ format, allowedBytes, idleBytes, peakBytes });
    }
    return runs;
  } finally {
    await rm(folder, { recursive: true });
  }
}
