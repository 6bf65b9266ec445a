// A process of `files.ts`: the first chunks of a file, as the runner cuts them, in memory and through the layer again and
// again. What that took, as JSON on stdout.
import { createEngine, type EngineInfo, type EngineOptions, type MultiHeadWeights } from '../../src/index.js';
import { ChunkSource } from '../../src/runs/chunks.js';
import { loadChunk, type LoadedChunk } from '../../src/runs/loaded-chunk.js';
import { RowBuffer } from '../../src/runs/row-buffer.js';
import { enableRelaxedSimd } from './relaxed-simd.js';
import { readWeights } from './sequence-files.js';

export interface InMemoryOptions {
  readonly input: string;
  readonly weights: string;
  readonly heads: number;
  readonly threads: number;
  readonly kernel: string;
  readonly batchTokens: number;
  /** How much of the input is read, to the end of a chunk. */
  readonly bytes: number;
  readonly seconds: number;
}

export interface InMemoryPasses {
  readonly engine: EngineInfo;
  readonly chunks: number;
  readonly tokens: number;
  readonly passes: number;
  /** Of all passes. */
  readonly flop: number;
  readonly ms: number;
}

enableRelaxedSimd();
const options = JSON.parse(process.argv[2]!) as InMemoryOptions;
const { heads, threads, seconds, batchTokens } = options;
const kernel = options.kernel as NonNullable<EngineOptions['kernel']>;
const weights = await readWeights(options.weights);
const chunks = await loadChunks(weights);
await using engine = await createEngine({ threads, kernel });
using layer = await engine.multiHeadAttention({ heads, weights });
// Two as in the runner, which fills one while it writes the other.
const outputs = [0, 1].map(() => new RowBuffer(layer.outputDim, batchTokens));

const pass = async (): Promise<void> => {
  for (const [turn, { inputs, offsets, keyOffsets, tokens }] of chunks.entries()) {
    const buffer = outputs[turn % 2]!;
    buffer.reserve(tokens);
    await layer.forward(inputs, { offsets, keyOffsets, out: buffer.tensor(tokens) });
  }
};
await pass();
const flopBefore = engine.stats().flop;
const startMs = performance.now();
let passes = 0;
do {
  await pass();
  passes++;
} while (performance.now() - startMs < seconds * 1e3);
const result: InMemoryPasses = {
  engine: engine.info,
  chunks: chunks.length,
  tokens: chunks.reduce((sum, { tokens }) => sum + tokens, 0),
  passes,
  ms: performance.now() - startMs,
  flop: engine.stats().flop - flopBefore,
};
console.log(JSON.stringify(result));

async function loadChunks(layerWeights: MultiHeadWeights): Promise<LoadedChunk[]> {
  const source = new ChunkSource(
    {
      ...{ inputs: [{ path: options.input, target: 0 }], targets: [] },
      ...{ weights: layerWeights, options: {}, dtype: 'f32', onError: 'stop' },
    },
    { mostTokens: batchTokens, mostSequenceTokens: Infinity },
    [{}],
  );
  const loaded: LoadedChunk[] = [];
  const modelDim = layerWeights.query.weight.shape[1]!;
  let left = options.bytes;
  try {
    while (left > 0) {
      const chunk = await source.next();
      if (chunk === undefined) break;
      const buffers = { query: new RowBuffer(modelDim, 0) };
      const rows = await loadChunk(chunk, buffers, {
        isSkipping: false,
        vouch: () => Promise.resolve(undefined),
      });
      left -= rows.inputs.query.data.byteLength;
      if (rows.sequences > 0) loaded.push(rows);
    }
  } finally {
    await source.close();
  }
  return loaded;
}
