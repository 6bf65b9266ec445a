// What a call may be asked for and given: weights, log-sum-exp, storage types, layouts and a place for the output.
import type { TensorLike } from '../../src/index.js';
import { decodeInto, encodeInto } from '../../src/core/tensor/dtype.js';
import { attendOracle } from '../oracle/oracle.js';
import { attentionCase, checkCase, checkResult } from '../helpers/attention-case.js';
import { assertSameBytes } from '../helpers/assertions.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import { besideEachOther } from '../helpers/rearranged.js';
import { assertClose } from '../helpers/tolerance.js';

const engineOf = openEngines();
const size = { batch: 2, heads: 4, kvHeads: 2, queries: 6, keys: 70, headDim: 5, valueDim: 3 };

testKernels(engineOf, 'the weights of a row sum to 1 and left-out keys have 0', async (t, engine) => {
  const { weights } = await checkCase(
    t,
    engine,
    attentionCase({ ...size, causal: 'bottom-right', keyLengths: [9, 70] }),
  );
  for (let row = 0; row < 2 * 4 * 6; row++) {
    const numbers = weights!.data.subarray(row * 70, (row + 1) * 70);
    t.true(Math.abs(numbers.reduce((sum, weight) => sum + weight, 0) - 1) < 2e-6, `row ${row}`);
    if (row < 4 * 6)
      t.true(
        numbers.subarray(9).every((weight) => Object.is(weight, 0)),
        `row ${row}`,
      );
  }
});

testKernels(engineOf, "returnWeights: 'mean' is the mean over the heads", async (t, engine) => {
  for (const kvHeads of [1, 2, 4]) {
    for (const queries of [1, 30, 100]) {
      const { inputs, oracle } = attentionCase({
        ...size,
        queries,
        kvHeads,
        causal: 'bottom-right',
        keyLengths: [9, 70],
      });
      const { weights, output } = await engine.attention({ ...inputs, returnWeights: 'mean' });
      t.deepEqual(weights!.shape, [2, queries, 70]);
      const perHead = attendOracle(oracle).weights;
      const mean = Float64Array.from(weights!.data, (_, n) => {
        const [b, rest] = [Math.floor(n / (queries * 70)), n % (queries * 70)];
        return [0, 1, 2, 3].reduce((sum, h) => sum + perHead[(b * 4 + h) * queries * 70 + rest]! / 4, 0);
      });
      assertClose(t, weights!.data, mean, `mean weights of ${queries} queries`);
      checkResult(t, { output }, oracle);
    }
  }
});

testKernels(engineOf, 'asking for more than the output changes no byte of it', async (t, engine) => {
  const { inputs } = attentionCase({ ...size, causal: 'bottom-right' });
  const plain = await engine.attention(inputs);
  t.deepEqual(Object.keys(plain), ['output']);
  for (const [ask, ...names] of [
    [{ returnWeights: true, returnLogSumExp: true }, 'logSumExp', 'weights'],
    [{ returnWeights: 'mean', returnScores: 'biased' }, 'scores', 'weights'],
    [{ returnScores: 'probabilities', headStatistics: true }, 'headStatistics', 'scores'],
    [{ returnScores: 'scaled', headStatistics: false }, 'scores'],
  ] as const) {
    const asked = await engine.attention({ ...inputs, ...ask });
    t.deepEqual(Object.keys(asked).sort(), [...names, 'output'].sort());
    assertSameBytes(t, asked.output.data, plain.output.data);
  }
});

testKernels(engineOf, 'half floats are decoded and computed in float32', async (t, engine) => {
  for (const dtype of ['f16', 'bf16'] as const) {
    const { inputs } = attentionCase(size);
    const [stored, decoded] = [{ ...inputs }, { ...inputs }];
    for (const name of ['q', 'k', 'v'] as const) {
      const { shape, data } = inputs[name];
      const bits = new Uint16Array(data.length);
      encodeInto(bits, data as Float32Array, dtype);
      const floats = new Float32Array(data.length);
      decodeInto(floats, bits, dtype);
      stored[name] = { shape, data: bits, dtype };
      decoded[name] = { shape, data: floats };
    }
    const fromBits = await engine.attention(stored);
    const fromFloats = await engine.attention(decoded);
    assertSameBytes(t, fromBits.output.data, fromFloats.output.data, dtype);
    const exact = await engine.attention(inputs);
    t.notDeepEqual(fromBits.output.data, exact.output.data);
  }
});

testKernels(
  engineOf,
  'tensors of rank 4, 3 and 2 hold the same heads and give the same bytes',
  async (t, engine) => {
    for (const kvHeads of [1, 2, 4]) {
      const { inputs } = attentionCase({ ...size, kvHeads, queries: 50 });
      const rank4 = await engine.attention({ ...inputs, causal: 'bottom-right', returnWeights: true });
      const [q, k, v] = [besideEachOther(inputs.q), besideEachOther(inputs.k), besideEachOther(inputs.v)];
      const beside = { heads: 4, kvHeads, causal: 'bottom-right', returnWeights: true } as const;
      const rank3 = await engine.attention({ q, k, v, ...beside });
      t.deepEqual(rank3.output.shape, [2, 50, 12]);
      assertSameBytes(t, rank3.output.data, besideEachOther(rank4.output).data, 'rank 3');
      assertSameBytes(t, rank3.weights!.data, rank4.weights!.data, 'weights');

      const first = ({ shape, data }: TensorLike): TensorLike => ({
        shape: shape.slice(1),
        data: data.subarray(0, data.length / 2),
      });
      const rank2 = await engine.attention({ q: first(q), k: first(k), v: first(v), ...beside });
      t.deepEqual(rank2.output.shape, [50, 12]);
      assertSameBytes(t, rank2.output.data, rank3.output.data.subarray(0, 50 * 12), 'rank 2');
    }
  },
);

testKernels(engineOf, 'the output goes into `out`, and nothing else is touched', async (t, engine) => {
  const { inputs } = attentionCase({ ...size, queries: 50 });
  const wanted = await engine.attention(inputs);
  const memory = engine.tensor([2 * 4 * 50 * 3 + 2]);
  memory.data.fill(7);
  const out = { shape: [2, 4, 50, 3], data: memory.data.subarray(1, -1) };
  const { output } = await engine.attention({ ...inputs, out });
  t.is(output.data, out.data);
  assertSameBytes(t, out.data, wanted.output.data);
  t.deepEqual([memory.data[0], memory.data.at(-1)], [7, 7]);
});

testKernels(engineOf, 'rows without keys are written into `out` as zeros', async (t, engine) => {
  const { inputs } = attentionCase({ queries: 3, keyLengths: [0] });
  const out = engine.tensor([1, 1, 3, 8], new Float32Array(24).fill(7));
  await engine.attention({ ...inputs, out });
  t.true(out.data.every((value) => value === 0));
});

testKernels(engineOf, 'one tensor may be query, key and value at once', async (t, engine) => {
  const { inputs } = attentionCase({ batch: 2, heads: 2, queries: 9 });
  const same = await engine.attention({ q: inputs.q, k: inputs.q, v: inputs.q });
  const copies = await engine.attention({ q: inputs.q, k: copyOf(inputs.q), v: copyOf(inputs.q) });
  assertSameBytes(t, same.output.data, copies.output.data);
});

function copyOf({ shape, data }: TensorLike): TensorLike {
  return { shape, data: data.slice() };
}
