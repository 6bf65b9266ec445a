// What `headpool run` does between its start and its summary, in this process and as often as wanted.
import { identifyRun, identifyWork } from '../../src/runs/identity.js';
import { openJournal } from '../../src/runs/journal.js';
import type { ChunkLimits } from '../../src/runs/chunks.js';
import type { RunRequest } from '../../src/runs/request.js';
import { executeRun } from '../../src/runs/run.js';
import type { Engine, MultiHeadAttention, MultiHeadWeights } from '../../src/index.js';

export interface BatchRun {
  readonly engine: Engine;
  readonly layer: MultiHeadAttention;
  readonly weights: MultiHeadWeights;
  readonly input: string;
  readonly output: string;
  readonly limits: ChunkLimits;
}

/** From .safetensors to .safetensors, in place of an earlier output. */
export async function runBatch({ engine, layer, weights, input, output, limits }: BatchRun): Promise<void> {
  const request: RunRequest = {
    inputs: [{ path: input, target: 0 }],
    targets: [{ path: output, format: 'safetensors' }],
    ...{ weights, options: {}, dtype: 'f32', onError: 'stop' },
    manifestPath: `${output}.manifest`,
  };
  const identity = identifyRun(await identifyWork(request, layer), engine.info);
  const journal = await openJournal(request, { identity, earlier: 'restart' });
  try {
    await executeRun(request, { layer, journal, limits, identity });
  } finally {
    await journal.close();
  }
}
