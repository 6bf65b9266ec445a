// Ragged batches: sequences of different lengths in one tensor, each of which must not know of the others.
import type { AttentionOptions, Engine, TensorLike } from '../../src/index.js';
import { assertSameBytes } from '../helpers/assertions.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import { normalTensor } from '../helpers/random.js';

const engineOf = openEngines();
const [heads, kvHeads, headDim, valueDim] = [4, 2, 5, 3];
const offsets = [0, 3, 3, 10, 11, 60, 160];
const keyOffsets = [0, 1, 8, 8, 72, 80, 150];

function rowsOf({ shape, data }: TensorLike, start: number, end: number): TensorLike {
  const width = shape[1]!;
  return { shape: [end - start, width], data: data.subarray(start * width, end * width) };
}

interface Operands {
  readonly q: TensorLike;
  readonly k: TensorLike;
  readonly v: TensorLike;
}

function operands(queryRows: number, keyRows: number): Operands {
  return {
    q: normalTensor([queryRows, heads * headDim], 1),
    k: normalTensor([keyRows, kvHeads * headDim], 2),
    v: normalTensor([keyRows, kvHeads * valueDim], 3),
  };
}

/** The output of sequence n as a call of its own. */
async function runAlone(
  engine: Engine,
  { q, k, v }: Operands,
  n: number,
  starts: readonly number[],
  options: AttentionOptions,
) {
  const keys = [starts[n]!, starts[n + 1]!] as const;
  return engine.attention({
    heads,
    kvHeads,
    ...options,
    q: rowsOf(q, offsets[n]!, offsets[n + 1]!),
    k: rowsOf(k, ...keys),
    v: rowsOf(v, ...keys),
  });
}

for (const causal of [false, 'top-left', 'bottom-right'] as const) {
  testKernels(
    engineOf,
    `a sequence has the same bytes alone and among others, causal: ${causal}`,
    async (t, engine) => {
      for (const isSelf of [true, false]) {
        const starts = isSelf ? offsets : keyOffsets;
        const given = operands(160, starts.at(-1)!);
        const options = { causal, returnLogSumExp: true };
        const ragged = await engine.attention({
          ...given,
          heads,
          kvHeads,
          offsets,
          ...(!isSelf && { keyOffsets }),
          ...options,
        });
        t.deepEqual(ragged.output.shape, [160, heads * valueDim]);
        t.deepEqual(ragged.logSumExp!.shape, [heads, 160]);
        for (let n = 0; n + 1 < offsets.length; n++) {
          const [start, end] = [offsets[n]!, offsets[n + 1]!];
          const alone = await runAlone(engine, given, n, starts, options);
          const part = ragged.output.data.subarray(start * heads * valueDim, end * heads * valueDim);
          assertSameBytes(t, part, alone.output.data, `sequence ${n}`);
          for (let h = 0; h < heads; h++) {
            const sums = ragged.logSumExp!.data.subarray(h * 160 + start, h * 160 + end);
            assertSameBytes(
              t,
              sums,
              alone.logSumExp!.data.subarray(h * (end - start), (h + 1) * (end - start)),
              `logSumExp ${n}`,
            );
          }
        }
      }
    },
  );
}

testKernels(engineOf, 'sequences of equal length have the bytes of the dense batch', async (t, engine) => {
  const { q, k, v } = operands(3 * 50, 3 * 50);
  const dense = ({ shape, data }: TensorLike): TensorLike => ({ shape: [3, 50, shape[1]!], data });
  const wanted = await engine.attention({
    q: dense(q),
    k: dense(k),
    v: dense(v),
    heads,
    kvHeads,
    causal: true,
  });
  const { output } = await engine.attention({
    q,
    k,
    v,
    heads,
    kvHeads,
    causal: true,
    offsets: [0, 50, 100, 150],
  });
  assertSameBytes(t, output.data, wanted.output.data);
});

testKernels(engineOf, 'NaN in one sequence stays in it', async (t, engine) => {
  const given = operands(160, 160);
  const clean = await engine.attention({ ...given, heads, kvHeads, offsets });
  const poisoned = operands(160, 160);
  for (const { shape, data } of [poisoned.k, poisoned.v]) data.fill(NaN, 11 * shape[1]!, 60 * shape[1]!);
  const { output } = await engine.attention({ ...poisoned, heads, kvHeads, offsets });
  const width = heads * valueDim;
  assertSameBytes(t, output.data.subarray(0, 11 * width), clean.output.data.subarray(0, 11 * width));
  t.true(output.data.subarray(11 * width, 60 * width).every(Number.isNaN));
  assertSameBytes(t, output.data.subarray(60 * width), clean.output.data.subarray(60 * width));
});

testKernels(engineOf, 'a ragged batch of no sequences is empty', async (t, engine) => {
  const { output } = await engine.attention({ ...operands(0, 0), heads, kvHeads, offsets: [0] });
  t.deepEqual(output.shape, [0, heads * valueDim]);
});
