// One run: reads a batch while the one before it is computed, writes each result to its place, and puts the complete
// file under its name at the end.
import type { MultiHeadAttention } from '../attention/multi-head.js';
import type { EngineInfo } from '../engine/engine.js';
import { createSequenceWriter } from '../files/sequence-files.js';
import type { SequenceReader } from '../files/sequences.js';
import type { Tensor } from '../tensor/tensor.js';
import { offsetsOf, type SequenceBatch } from './batches.js';
import { keyTokens, type OpenRun, type RunRequest } from './open-run.js';

export interface RunProgress {
  readonly tokens: number;
  readonly sequences: number;
}

export interface RunHooks {
  readonly onProgress?: (progress: RunProgress) => void;
  /** Stops the run; nothing is left under the output's name. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Computes every sequence of an open run and writes the output.
 * @throws FILE_FAILED, INVALID_FILE, what `forward` throws, and the signal's reason; the output is untouched then
 */
export async function executeRun(
  run: OpenRun,
  layer: MultiHeadAttention,
  info: EngineInfo,
  { onProgress, signal }: RunHooks = {},
): Promise<void> {
  const { request, query, batches } = run;
  const writer = await createSequenceWriter(request.output, query, {
    modelDim: layer.outputDim,
    metadata: describeRun(run, layer, info),
  });
  try {
    const buffers = createBuffers(run, layer);
    let next = readBatch(run, batches[0], buffers.inputs[0]!);
    for (const [index, batch] of batches.entries()) {
      const inputs = await next;
      next = readBatch(run, batches[index + 1], buffers.inputs[(index + 1) % 2]!);
      // A failed read must not go unnoticed while this batch is computed, nor end the process.
      next.catch(() => undefined);
      const out = view(buffers.output, batch.tokens, layer.outputDim);
      await layer.forward(inputs.tensors, {
        ...request.options,
        ...inputs.offsets,
        ...(signal && { signal }),
        out,
      });
      await writer.write(batch.first, batch.count, out.data);
      onProgress?.({ tokens: batch.tokens, sequences: batch.count });
    }
    signal?.throwIfAborted();
    await writer.commit();
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

type Floats = Float32Array<SharedArrayBuffer>;

interface InputBuffers {
  readonly query: Floats;
  /** The same as `query` for self-attention, as `key` where values are the keys. */
  readonly key: Floats;
  readonly value: Floats;
}

function createBuffers(
  run: OpenRun,
  { outputDim }: MultiHeadAttention,
): { readonly inputs: readonly InputBuffers[]; readonly output: Floats } {
  const { query, key, value, mostTokens, mostKeyTokens } = run;
  const inputs = Array.from({ length: Math.min(2, run.batches.length) || 1 }, (): InputBuffers => {
    const queryFloats = floats(mostTokens * query.modelDim);
    const keyFloats = key === query ? queryFloats : floats(mostKeyTokens * key.modelDim);
    const valueFloats = value === key ? keyFloats : floats(mostKeyTokens * value.modelDim);
    return { query: queryFloats, key: keyFloats, value: valueFloats };
  });
  return {
    inputs: inputs.length === 1 ? [inputs[0]!, inputs[0]!] : inputs,
    output: floats(mostTokens * outputDim),
  };
}

interface BatchInputs {
  readonly tensors: { readonly query: Tensor; readonly key: Tensor; readonly value: Tensor };
  readonly offsets: { readonly offsets: readonly number[]; readonly keyOffsets: readonly number[] };
}

async function readBatch(
  { query, key, value }: OpenRun,
  batch: SequenceBatch | undefined,
  buffers: InputBuffers,
): Promise<BatchInputs> {
  const range = batch ?? { first: 0, count: 0, tokens: 0 };
  const read = async (reader: SequenceReader, buffer: Floats): Promise<Tensor> => {
    const tensor = view(buffer, keyTokens(reader, range), reader.modelDim);
    if (batch !== undefined) await reader.read(range.first, range.count, tensor.data);
    return tensor;
  };
  const queryTensor = await read(query, buffers.query);
  const keyTensor = key === query ? queryTensor : await read(key, buffers.key);
  const valueTensor = value === key ? keyTensor : await read(value, buffers.value);
  return {
    tensors: { query: queryTensor, key: keyTensor, value: valueTensor },
    offsets: { offsets: offsetsOf(query.lengths, range), keyOffsets: offsetsOf(key.lengths, range) },
  };
}

/** What the output says about its making: nothing in it depends on the machine's load or the number of threads. */
function describeRun({ request }: OpenRun, layer: MultiHeadAttention, info: EngineInfo): Map<string, string> {
  return new Map([
    ['headpool', info.version],
    ['kernel', `${info.kernel} (${info.instructionSet})`],
    ['configuration', JSON.stringify(configurationOf(request, layer))],
  ]);
}

/** The options in one order, however they were given: causal and scale always, the others where they are given. */
function configurationOf(
  { options, weights }: RunRequest,
  { heads, kvHeads, headDim }: MultiHeadAttention,
): object {
  const { causal = false, scale = 1 / Math.sqrt(headDim), alignment, window, softcap, rope } = options;
  const { alibiSlopes, sinks, headScale } = options;
  const listOf = (numbers?: ArrayLike<number>): number[] | undefined => numbers && Array.from(numbers);
  return {
    ...{ heads, kvHeads, headDim, causal, scale },
    addZeroAttention: weights.addZeroAttention === true ? true : undefined,
    alignment,
    window: window && { left: window.left, right: window.right },
    softcap,
    alibiSlopes: listOf(alibiSlopes),
    sinks: listOf(sinks),
    headScale: listOf(headScale),
    rope: rope && { base: rope.base, dims: rope.dims ?? headDim, interleaved: rope.interleaved ?? false },
  };
}

function floats(length: number): Floats {
  return new Float32Array(new SharedArrayBuffer(length * 4));
}

function view(buffer: Floats, tokens: number, width: number): Tensor {
  return { shape: [tokens, width], data: buffer.subarray(0, tokens * width) };
}
