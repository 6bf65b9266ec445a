import test, { type ExecutionContext } from 'ava';
import type { CaseTensor, ConformanceCase, ConformanceEngine } from '../src/conformance/case.js';
import { asTensor, concatenateTokens, joinHeads, splitHeads } from '../src/conformance/case-tensors.js';
import { prepareOnnxAttention } from '../src/conformance/onnx-attention.js';
import { prepareTorchMultihead } from '../src/conformance/torch-multihead.js';
import type { AttentionInputs } from '../src/attention/attention-call.js';
import type { AttentionOptions } from '../src/attention/options.js';
import { elementCount, type Shape } from '../src/core/tensor/shape.js';

function count(shape: Shape): CaseTensor {
  return { shape, dtype: 'F32', data: Float32Array.from({ length: elementCount(shape) }, (_, n) => n) };
}

function booleans(shape: Shape, ...data: number[]): CaseTensor {
  return { shape, dtype: 'BOOL', data: Uint8Array.from(data) };
}

function makeCase(fields: Partial<ConformanceCase>, tensors: Record<string, CaseTensor>): ConformanceCase {
  const common = {
    name: 'a',
    kind: 'extended',
    path: 'cases.json',
    field: 'cases[0]',
    attributes: {},
  } as const;
  return { ...common, ...fields, tensors: new Map(Object.entries(tensors)) };
}

test('Heads side by side are split and joined again', (t) => {
  const split = splitHeads(count([1, 2, 4]), 2);
  t.deepEqual(split.shape, [1, 2, 2, 2]);
  t.deepEqual([...split.data], [0, 1, 4, 5, 2, 3, 6, 7]);
  t.deepEqual(joinHeads(split), count([1, 2, 4]));
});

test('The past comes before the new tokens of each head', (t) => {
  const joined = concatenateTokens(count([1, 2, 2, 1]), {
    ...count([1, 2, 1, 1]),
    data: Float32Array.of(8, 9),
  });
  t.deepEqual(joined.shape, [1, 2, 3, 1]);
  t.deepEqual([...joined.data], [0, 1, 8, 2, 3, 9]);
});

test('F16 tensors go to the engine as their bits', (t) => {
  t.deepEqual(asTensor({ shape: [2], dtype: 'F16', data: Float32Array.of(1, -2) }), {
    shape: [2],
    data: Uint16Array.of(0x3c00, 0xc000),
    dtype: 'f16',
  });
});

async function askOnnx(
  t: ExecutionContext,
  attributes: Record<string, unknown>,
  tensors: Record<string, CaseTensor>,
): Promise<AttentionInputs> {
  const source = makeCase(
    { kind: 'onnx-attention', attributes },
    {
      'input.Q': count([1, 1, 2, 4]),
      'input.K': count([1, 1, 3, 4]),
      'input.V': count([1, 1, 3, 4]),
      ...tensors,
    },
  );
  const run = prepareOnnxAttention(source);
  let asked: AttentionInputs | undefined;
  const attention = (inputs: AttentionInputs): Promise<never> => {
    asked = inputs;
    return Promise.reject(new Error('asked'));
  };
  await t.throwsAsync(run({ attention } as unknown as ConformanceEngine), { message: 'asked' });
  return asked!;
}

function past(tokens: number): Record<string, CaseTensor> {
  return { 'input.past_key': count([1, 1, tokens, 4]), 'input.past_value': count([1, 1, tokens, 4]) };
}

test('A causal ONNX case without past is aligned top-left', async (t) => {
  t.is((await askOnnx(t, { is_causal: 1 }, {})).causal, 'top-left');
});

test('A causal ONNX case with lengths ends at the last valid key', async (t) => {
  const lengths = { shape: [1], dtype: 'I64', data: Float64Array.of(2) } as const;
  const asked = await askOnnx(t, { is_causal: 1 }, { 'input.nonpad_kv_seqlen': lengths });
  t.like(asked, { causal: 'bottom-right', keyLengths: [2] });
});

test('A past with as many new keys as queries is bottom-right on all keys', async (t) => {
  const added = { 'input.K': count([1, 1, 2, 4]), 'input.V': count([1, 1, 2, 4]) };
  const asked = await askOnnx(t, { is_causal: 1 }, { ...past(2), ...added });
  t.is(asked.causal, 'bottom-right');
  t.is(asked.mask, undefined);
  t.deepEqual(asked.k.shape, [1, 1, 4, 4]);
});

test('A past with more new keys than queries starts the diagonal after the past, by a mask', async (t) => {
  const asked = await askOnnx(t, { is_causal: 1 }, past(2));
  t.is(asked.causal, undefined);
  t.deepEqual(asked.mask, { shape: [2, 5], data: Uint8Array.of(1, 1, 1, 0, 0, 1, 1, 1, 1, 0) });
  const windowed = await askOnnx(t, { is_causal: 1, left_window_size: 1, right_window_size: 3 }, past(2));
  t.deepEqual(windowed.mask?.data, Uint8Array.of(0, 1, 1, 0, 0, 0, 0, 1, 1, 0));
  const masked = await askOnnx(
    t,
    { is_causal: 1 },
    { ...past(2), 'input.attn_mask': booleans([5], 0, 1, 1, 1, 1) },
  );
  t.deepEqual(masked.mask, { shape: [2, 5], data: Uint8Array.of(0, 1, 1, 0, 0, 0, 1, 1, 1, 0) });
});

test('An ONNX case asks for the scores that it compares, of the stage that its mode names', async (t) => {
  const compared = { 'output.qk_matmul_output': count([1, 1, 2, 3]) };
  t.is((await askOnnx(t, {}, compared)).returnScores, 'scaled');
  t.is((await askOnnx(t, { qk_matmul_output_mode: 2 }, compared)).returnScores, 'biased');
  t.false('returnScores' in (await askOnnx(t, { qk_matmul_output_mode: 2 }, {})));
});

test('Both boolean masks of PyTorch turn into one, where neither ignores', async (t) => {
  const linear = { 'state.in_proj_weight': count([6, 2]), 'state.out_proj.weight': count([2, 2]) };
  const source = makeCase(
    { kind: 'torch-multihead', attributes: { num_heads: 1, embed_dim: 2 } },
    {
      ...linear,
      'input.query': count([2, 2, 2]),
      'input.attn_mask': booleans([2, 2, 2], 0, 1, 0, 0, 0, 0, 0, 0),
      'input.key_padding_mask': booleans([2, 2], 0, 0, 0, 1),
    },
  );
  const run = prepareTorchMultihead(source);
  let asked: AttentionOptions | undefined;
  const layer = {
    forward: (_: unknown, options: AttentionOptions): Promise<never> => {
      asked = options;
      return Promise.reject(new Error('asked'));
    },
    [Symbol.dispose]: () => undefined,
  };
  const engine = { multiHeadAttention: () => Promise.resolve(layer) } as unknown as ConformanceEngine;
  await t.throwsAsync(run(engine), { message: 'asked' });
  t.deepEqual(asked?.mask?.shape, [2, 1, 2, 2]);
  t.deepEqual([...asked!.mask!.data], [1, 0, 1, 1, 1, 0, 1, 0]);
});
