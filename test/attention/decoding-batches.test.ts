// Entries with few query rows in batches, dense and ragged, beside entries with more of them and in either layout.
import type { TensorLike } from '../../src/index.js';
import { attentionCase, checkCase } from '../helpers/attention-case.js';
import { assertSameBytes } from '../helpers/assertions.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import { besideEachOther } from '../helpers/rearranged.js';
import { once } from '../helpers/once.js';

const engineOf = openEngines();
const inRanges = { returnWeights: false };
const size = { heads: 4, kvHeads: 2, queries: 1, headDim: 8, valueDim: 5 };

testKernels(
  engineOf,
  'both layouts give the same bytes, into `out` or into a new tensor',
  async (t, engine) => {
    for (const queries of [1, 4]) {
      const { inputs } = attentionCase({ ...size, batch: 2, queries, keys: 4200 });
      const ask = { heads: 4, kvHeads: 2, causal: 'bottom-right', returnLogSumExp: true } as const;
      const rank4 = await engine.attention({ ...inputs, ...ask });
      const [q, k, v] = [besideEachOther(inputs.q), besideEachOther(inputs.k), besideEachOther(inputs.v)];
      const out = engine.tensor([2, queries, 4 * 5], new Float32Array(2 * queries * 4 * 5).fill(7));
      const rank3 = await engine.attention({ q, k, v, ...ask, out });
      t.is(rank3.output.data, out.data);
      assertSameBytes(t, out.data, besideEachOther(rank4.output).data, 'rank 3');
      assertSameBytes(t, rank3.logSumExp!.data, rank4.logSumExp!.data, 'logSumExp');
      const second = ({ shape, data }: TensorLike): TensorLike => ({
        shape: shape.slice(1),
        data: data.subarray(data.length / 2),
      });
      const rank2 = await engine.attention({ q: second(q), k: second(k), v: second(v), ...ask });
      assertSameBytes(t, rank2.output.data, out.data.subarray(out.data.length / 2), 'rank 2');
    }
  },
);

const raggedLengths: readonly (readonly [number, number])[] = [
  ...([
    [1, 4097],
    [60, 100],
    [2, 0],
    [0, 5],
    [1, 4200],
  ] as const),
  ...([
    [1, 300],
    [1, 1],
    [0, 5000],
    [1, 4096],
    [5, 5],
  ] as const),
];
const raggedCases = once(() =>
  raggedLengths.map(([queries, keys], n) =>
    attentionCase({ ...size, queries, keys, seed: n + 1, causal: 'bottom-right' }),
  ),
);

/** Where the sequences start: 0, and the sums of their lengths. */
function startsOf(axis: 0 | 1): number[] {
  return raggedLengths.reduce((starts, pair) => [...starts, starts.at(-1)! + pair[axis]], [0]);
}

testKernels(engineOf, 'entries with few rows and with many share a ragged batch', async (t, engine) => {
  const { heads, kvHeads, headDim, valueDim } = size;
  const cases = raggedCases();
  const [offsets, keyOffsets] = [startsOf(0), startsOf(1)];
  const rowsOf = (name: 'q' | 'k' | 'v', width: number): TensorLike => {
    const data = cases.flatMap(({ inputs }) => [...besideEachOther(inputs[name]).data]);
    return { shape: [data.length / width, width], data: Float32Array.from(data) };
  };
  const ragged = await engine.attention({
    q: rowsOf('q', heads * headDim),
    k: rowsOf('k', kvHeads * headDim),
    v: rowsOf('v', kvHeads * valueDim),
    heads,
    kvHeads,
    offsets,
    keyOffsets,
    causal: 'bottom-right',
    returnLogSumExp: true,
  });
  for (const [n, one] of cases.entries()) {
    const alone = await checkCase(t, engine, one, inRanges);
    const [start, end] = [offsets[n]!, offsets[n + 1]!];
    const part = ragged.output.data.subarray(start * heads * valueDim, end * heads * valueDim);
    assertSameBytes(t, part, besideEachOther(alone.output).data, `sequence ${n}`);
    for (let h = 0; h < heads; h++) {
      const sums = ragged.logSumExp!.data.subarray(h * offsets.at(-1)! + start, h * offsets.at(-1)! + end);
      const wanted = alone.logSumExp!.data.subarray(h * (end - start), (h + 1) * (end - start));
      assertSameBytes(t, sums, wanted, `logSumExp of sequence ${n}`);
    }
  }
});

testKernels(engineOf, 'an entry has the same bytes alone and in a dense batch', async (t, engine) => {
  const keyLengths = [4097, 4096, 4200];
  const { inputs } = attentionCase({ ...size, batch: 3, keys: 4200 });
  const whole = await engine.attention({ ...inputs, keyLengths });
  for (const b of [0, 1, 2]) {
    const entry = ({ shape, data }: TensorLike): TensorLike => ({
      shape: [1, ...shape.slice(1)],
      data: data.subarray((b * data.length) / 3, ((b + 1) * data.length) / 3),
    });
    const one = { q: entry(inputs.q), k: entry(inputs.k), v: entry(inputs.v), keyLengths: [keyLengths[b]!] };
    const { output } = await engine.attention(one);
    assertSameBytes(t, output.data, entry(whole.output).data as Float32Array, `entry ${b}`);
  }
});
