// A layer of a file, asked by several callers at once; one of them asks for something that can't be.
import { createEngine, HeadpoolError, loadLayer, type MultiHeadAttention } from 'headpool';
import { join, split, type Sequence } from './ragged.js';

const modelDim = 32;

async function attend(layer: MultiHeadAttention, sequences: readonly Sequence[]): Promise<Sequence[]> {
  const { rows, offsets } = join(sequences, modelDim);
  const { output } = await layer.forward(rows, { offsets, causal: true });
  return split(output.data, offsets, modelDim);
}

/** What a caller is told; what isn't an error of headpool goes on. */
function explain(error: unknown): string {
  if (!(error instanceof HeadpoolError)) throw error;
  return error.code === 'QUEUE_FULL' || error.code === 'TIMEOUT' ? 'try again later' : error.message;
}

await using engine = await createEngine({ maxQueue: 16 });
const { heads, kvHeads, weights, defaults } = await loadLayer('layer.safetensors');
using layer = await engine.multiHeadAttention({ heads, kvHeads, weights, ...defaults });

const token = (seed: number): Float32Array =>
  Float32Array.from({ length: modelDim }, (_, n) => Math.sin(seed + n));
const results = await Promise.all([
  attend(layer, [[token(1), token(2)], [], [token(3)]]),
  attend(layer, [[token(4)]]),
]);
console.log(results.map((sequences) => sequences.map((rows) => rows.length)));

const wide = { shape: [1, 2 * modelDim], data: new Float32Array(2 * modelDim) };
await layer.forward(wide).catch((error: unknown) => {
  console.log(explain(error));
});
console.log('completed', engine.stats().calls.completed);
