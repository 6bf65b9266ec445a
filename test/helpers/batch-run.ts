// A whole batch run inside the test's own process, wired as the command wires it.
import { basename, join } from 'node:path';
import test from 'ava';
import type { MultiHeadAttention } from '../../src/engine/multi-head-attention.js';
import { createXavierWeights, weightsToTorch, type MultiHeadWeights } from '../../src/index.js';
import { writeStateDict } from '../../src/files/state-dict.js';
import type { ChunkLimits } from '../../src/runs/chunks.js';
import { identifyRun, identifyWork, type RunIdentity } from '../../src/runs/identity.js';
import type { EarlierChoice } from '../../src/runs/earlier-run.js';
import { openJournal, type Journal, type JournalOptions } from '../../src/runs/journal.js';
import type { RunState } from '../../src/runs/manifest.js';
import { planOutputs, type OutputChoice } from '../../src/runs/plan-outputs.js';
import type { RunRequest } from '../../src/runs/request.js';
import { executeRun, type RunHooks } from '../../src/runs/run.js';
import type { RunContext } from '../../src/runs/run-context.js';
import { createEngine, type Engine } from '../../src/engine/engine.js';

export const heads = 2;
/** Of a layer 8 wide. */
export const smallWeights = withBiases(createXavierWeights({ modelDim: 8, heads, seed: 11 }));

export interface Bench {
  readonly engine: Engine;
  readonly layer: MultiHeadAttention;
}

/** Starts an engine and a layer before the tests of this file and closes them after. */
export function openBench(threads = 2, weights: MultiHeadWeights = smallWeights): () => Bench {
  let bench: Bench | undefined;
  test.before(`starts an engine of ${threads} threads`, async (t) => {
    const engine = await createEngine({ threads });
    bench = { engine, layer: await engine.multiHeadAttention({ heads, weights }) };
    t.truthy(bench);
  });
  test.after.always(`closes the engine of ${threads} threads`, async () => {
    bench?.layer.dispose();
    await bench?.engine.close();
  });
  return () => bench!;
}

/** Flags of a layer of these weights, written into `folder`, with two threads. */
export async function layerFlags(folder: string): Promise<string[]> {
  const path = join(folder, 'w.safetensors');
  await writeStateDict(path, weightsToTorch(smallWeights));
  return ['--weights', path, '--heads', String(heads), '--threads', '2'];
}

type Asked = Partial<Omit<RunRequest, 'inputs' | 'targets' | 'manifestPath'>> &
  Partial<Pick<OutputChoice, 'inputFormat' | 'outputFormat' | 'hasStatistics' | 'isFolder'>> & {
    readonly inputs: readonly string[];
    readonly output: string;
  };

export async function requestFor(asked: Asked): Promise<RunRequest> {
  const { inputs, output, inputFormat = 'jsonl', outputFormat, hasStatistics = false, ...rest } = asked;
  const { isFolder, ...others } = rest;
  const files = inputs.map((path) => ({ path, name: basename(path) }));
  const choice = { inputs: files, output, inputFormat, outputFormat, hasStatistics, isFolder };
  const plan = await planOutputs(choice);
  const defaults = { weights: smallWeights, options: {}, dtype: 'f32', onError: 'stop' } as const;
  return { ...defaults, ...others, ...plan, lockPath: undefined };
}

export interface RunParts extends RunHooks, Pick<JournalOptions, 'assertLatest'> {
  readonly bench: Bench;
  /** Instead of the bench's. */
  readonly layer?: MultiHeadAttention;
  readonly limits?: Partial<ChunkLimits>;
  readonly earlier?: EarlierChoice;
  /** Stops after so many chunks of this run, as a signal does. */
  readonly stopAfter?: number;
  readonly standardInput?: RunContext['standardInput'];
  readonly standardOutput?: RunContext['standardOutput'];
  /** Default: the request's own. */
  readonly identity?: RunIdentity;
  /** Called between finding the inputs and reading them. */
  readonly meanwhile?: () => Promise<void>;
}

/** Runs as the command does, and closes the journal however it ends. */
export async function runBatch(request: RunRequest, parts: RunParts): Promise<RunState> {
  const { bench, earlier = 'refuse', assertLatest, meanwhile } = parts;
  const identity = parts.identity ?? (await identityOf(request, bench));
  const journal = await openJournal(request, { identity, earlier, assertLatest });
  try {
    await meanwhile?.();
    const { context, hooks } = contextOf(parts, { journal, identity });
    await executeRun(request, context, hooks);
    return journal.state;
  } finally {
    await journal.close();
  }
}

export async function identityOf(request: RunRequest, { engine, layer }: Bench): Promise<RunIdentity> {
  return identifyRun(await identifyWork(request, layer), engine.info);
}

function contextOf(
  { bench, layer = bench.layer, limits, stopAfter, ...parts }: RunParts,
  { journal, identity }: { readonly journal: Journal; readonly identity: RunIdentity },
): { readonly context: RunContext; readonly hooks: RunHooks } {
  const { standardInput, standardOutput, onProgress, onRetry } = parts;
  const stopper = new AbortController();
  let calls = 0;
  const counted = withForward(layer, (input, options) => {
    if (++calls === stopAfter) stopper.abort(new Error('stopped'));
    return layer.forward(input, options);
  });
  const context = {
    journal,
    identity,
    standardInput,
    standardOutput,
    layer: stopAfter === undefined ? layer : counted,
    limits: { mostTokens: 64, mostSequenceTokens: 1e6, ...limits },
  };
  const signal = stopAfter === undefined ? parts.signal : stopper.signal;
  return { context, hooks: { signal, ...(onProgress && { onProgress }), ...(onRetry && { onRetry }) } };
}

/** A layer that computes with `forward`. */
export function withForward(
  { heads: count, kvHeads, headDim, outputDim, modelDim }: MultiHeadAttention,
  forward: MultiHeadAttention['forward'],
): MultiHeadAttention {
  const parts = { heads: count, kvHeads, headDim, outputDim, modelDim, forward };
  return parts as unknown as MultiHeadAttention;
}

/** Biases other than zero, lest one that is left out goes unnoticed. */
function withBiases(weights: MultiHeadWeights): MultiHeadWeights {
  for (const name of ['query', 'key', 'value', 'output'] as const) {
    const data = weights[name].bias!.data as Float32Array;
    data.forEach((_, n) => (data[n] = Math.sin(n + name.length)));
  }
  return weights;
}
