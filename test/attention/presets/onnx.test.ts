// presets.onnx against what the operator Attention computes, row by row of docs/porting.md.
import test from 'ava';
import { presets } from '../../../src/attention/presets.js';
import { assertRefused } from '../../helpers/assertions.js';
import { checkFormula, portingRows, wide } from '../../helpers/porting.js';
import { normalTensor, randomMask } from '../../helpers/random.js';

const row = portingRows('onnx');
const { onnx } = presets;

row('without past and lengths the diagonal starts at key 0', async (t, engine) => {
  for (const is_causal of [1, true] as const) t.deepEqual(onnx({ is_causal }), { causal: 'top-left' });
  for (const is_causal of [0, false] as const) t.deepEqual(onnx({ is_causal }), {});
  await checkFormula(t, engine, onnx({ is_causal: 1 }), { mask: (_b, _h, i, j) => j <= i });
});

row('with lengths the diagonal ends at the last valid key of each entry', async (t, engine) => {
  const lengths = [2, 6];
  const options = onnx({ is_causal: 1, nonpad_kv_seqlen: Int32Array.from(lengths) });
  t.deepEqual(options, { causal: 'bottom-right', keyLengths: lengths });
  const mask = (b: number, _h: number, i: number, j: number): boolean =>
    j < lengths[b]! && j <= i + lengths[b]! - 3;
  await checkFormula(t, engine, options, { mask });
});

row('with a past the diagonal starts after it', async (t, engine) => {
  const options = onnx({ is_causal: 1 }, { queries: 3, keys: 7, past: 4 });
  t.deepEqual(options, { causal: 'bottom-right' });
  await checkFormula(t, engine, options, { mask: (_b, _h, i, j) => j <= i + 4 });
  t.deepEqual(onnx({}, { queries: 3, keys: 7, past: 4 }), {});
});

row('a past that no corner fits becomes a mask', async (t, engine) => {
  const tokens = { queries: 3, keys: 7, past: 2 };
  const causal = onnx({ is_causal: 1 }, tokens);
  t.deepEqual(Object.keys(causal), ['mask']);
  await checkFormula(t, engine, causal, { mask: (_b, _h, i, j) => j <= i + 2 });

  const attn_mask = randomMask([2, 1, 3, 7], 3);
  const windowed = onnx({ attn_mask, left_window_size: 1, right_window_size: 2 }, tokens);
  await checkFormula(t, engine, windowed, {
    mask: (b, _h, i, j) => attn_mask.data[(b * 3 + i) * 7 + j] === 1 && j >= i + 1 && j <= i + 4,
  });
  const both = onnx({ is_causal: 1, left_window_size: 0, right_window_size: 2 }, tokens);
  await checkFormula(t, engine, both, { mask: (_b, _h, i, j) => j === i + 2 });

  const added = normalTensor([3, 7], 3);
  const biased = onnx({ is_causal: 1, attn_mask: added }, tokens);
  await checkFormula(t, engine, biased, {
    bias: (_b, _h, i, j) => added.data[i * 7 + j]!,
    mask: (_b, _h, i, j) => j <= i + 2,
  });
});

row('true means attend, as here', async (t, engine) => {
  const attn_mask = randomMask([4, 3, 7], 4);
  await checkFormula(t, engine, onnx({ attn_mask }), {
    mask: (_b, h, i, j) => attn_mask.data[(h * 3 + i) * 7 + j] === 1,
  });
  const added = normalTensor([3, 7], 4);
  await checkFormula(t, engine, onnx({ attn_mask: added }), {
    bias: (_b, _h, i, j) => added.data[i * 7 + j]!,
  });
});

row('the keys after a short mask are left out', async (t, engine) => {
  const attn_mask = randomMask([2, 1, 3, 4], 5, 0.7);
  await checkFormula(t, engine, onnx({ attn_mask }, { keys: 7 }), {
    mask: (b, _h, i, j) => j < 4 && attn_mask.data[(b * 3 + i) * 4 + j] === 1,
  });
  const added = normalTensor([3, 1], 5);
  await checkFormula(t, engine, onnx({ attn_mask: added }, { keys: 7 }), {
    bias: (_b, _h, i, j) => (j < 1 ? added.data[i]! : -Infinity),
  });
  const whole = randomMask([3, 7], 5);
  t.is(onnx({ attn_mask: whole }, { keys: 7 }).mask?.data.length, 21);
});

row('bounds are inclusive, and -1 means none', (t) => {
  t.deepEqual(onnx({ left_window_size: 2, right_window_size: 0 }), {
    alignment: 'top-left',
    window: { left: 2, right: 0 },
  });
  t.deepEqual(onnx({ left_window_size: -1, right_window_size: 3 }), {
    alignment: 'top-left',
    window: { right: 3 },
  });
  t.deepEqual(onnx({ left_window_size: -1, right_window_size: -1 }), {});
  t.deepEqual(onnx({ is_causal: 1, left_window_size: 2 }), { causal: 'top-left', window: { left: 2 } });
  t.deepEqual(onnx({ left_window_size: 2, nonpad_kv_seqlen: [3] }), {
    alignment: 'bottom-right',
    window: { left: 2 },
    keyLengths: [3],
  });
  t.deepEqual(onnx({ left_window_size: 2 }, { queries: 3, keys: 7, past: 4 }), {
    alignment: 'bottom-right',
    window: { left: 2 },
  });
});

row('a softcap of 0 means none', (t) => {
  t.deepEqual(onnx({ softcap: 0 }), {});
});

row('the softcap comes before the mask, as in ONNX since 1.22', (t) => {
  const attn_mask = randomMask([3, 7], 6);
  const options = onnx({ softcap: 2.5, attn_mask });
  t.is(options.softcap, 2.5);
  t.deepEqual(options.mask?.shape, [3, 7]);
});

row('modes 1 and 2 are softcapped and biased, the other way round before ONNX 1.22', (t) => {
  t.deepEqual(onnx(), {});
  for (const [mode, stage] of (['scaled', 'softcapped', 'biased', 'probabilities'] as const).entries()) {
    t.deepEqual(onnx({ qk_matmul_output_mode: mode as 0 | 1 | 2 | 3 }), { returnScores: stage });
  }
});

row('heads are named for tensors of rank 3', async (t, engine) => {
  t.deepEqual(onnx({ q_num_heads: 4, kv_num_heads: 2 }), { heads: 4, kvHeads: 2 });
  const inputs = {
    q: normalTensor([2, 3, 20], 1),
    k: normalTensor([2, 7, 10], 2),
    v: normalTensor([2, 7, 8], 3),
  };
  const { output } = await engine.attention({ ...inputs, ...onnx({ q_num_heads: 4, kv_num_heads: 2 }) });
  t.deepEqual(output.shape, [2, 3, 16]);
  await checkFormula(t, engine, onnx({ q_num_heads: 4, kv_num_heads: 2 }), {});
});

row('a softmax in DOUBLE is refused', async (t) => {
  for (const softmax_precision of [1, 10, 16]) t.deepEqual(onnx({ softmax_precision }), {});
  const inDouble = () => onnx({ softmax_precision: 11 });
  await assertRefused(t, inDouble, { code: 'INVALID_OPTION', what: ['`softmax_precision`', '11', 'FLOAT'] });
});

row('an empty row is 0, as in ONNX since 1.23, and NaN before', async (t, engine) => {
  const options = onnx({ is_causal: 1, nonpad_kv_seqlen: [1, 7] });
  const size = { ...wide, heads: 1, kvHeads: 1 };
  const { output } = await checkFormula(
    t,
    engine,
    options,
    { mask: (b, _h, i, j) => (b === 0 ? j < 1 && i === 2 : j <= i + 4) },
    size,
  );
  t.true(output.data.subarray(0, 10).every((value) => value === 0));
});

test('the scale is handed on', async (t) => {
  t.deepEqual(onnx({ scale: 0.25 }), { scale: 0.25 });
  await assertRefused(t, () => onnx({ scale: NaN }), { code: 'INVALID_OPTION', what: ['`scale`', 'NaN'] });
});

test('what the operator would not take is refused by its names', async (t) => {
  const wrong: readonly (readonly [object, object, string, ...string[]])[] = [
    [{ is_casual: 1 }, {}, 'UNKNOWN_OPTION', '`is_casual`', 'did you mean `is_causal`?'],
    [{ local_window_size: 4 }, {}, 'UNKNOWN_OPTION', '`local_window_size`'],
    [{}, { querys: 3 }, 'UNKNOWN_OPTION', '`querys`', '`queries`'],
    [{ is_causal: 2 }, {}, 'INVALID_OPTION', '`is_causal`', '2'],
    [{ left_window_size: -2 }, {}, 'INVALID_OPTION', '`left_window_size`', '-2'],
    [{ right_window_size: 1.5 }, {}, 'INVALID_OPTION', '`right_window_size`', '1.5'],
    [{ softcap: -1 }, {}, 'INVALID_OPTION', '`softcap`', '-1'],
    [{ softcap: NaN }, {}, 'INVALID_OPTION', '`softcap`', 'NaN'],
    [{ qk_matmul_output_mode: 4 }, {}, 'INVALID_OPTION', '`qk_matmul_output_mode`', '4'],
    [{ qk_matmul_output_mode: 'length' }, {}, 'INVALID_OPTION', '`qk_matmul_output_mode`', '"length"'],
    [{ nonpad_kv_seqlen: 3 }, {}, 'INVALID_OPTION', '`nonpad_kv_seqlen`', '3'],
    [{ nonpad_kv_seqlen: [-1] }, {}, 'INVALID_OPTION', '`nonpad_kv_seqlen`', '-1'],
    [{ nonpad_kv_seqlen: [3] }, { past: 2 }, 'INVALID_OPTION', '`nonpad_kv_seqlen`', 'past'],
    [{ is_causal: 1 }, { past: 2 }, 'INVALID_OPTION', '`tokens.queries`'],
    [{ is_causal: 1 }, { past: 2, queries: 3 }, 'INVALID_OPTION', '`tokens.keys`'],
    [{ is_causal: 1 }, { past: -2, queries: 3, keys: 7 }, 'INVALID_OPTION', '`tokens.past`'],
    [{ attn_mask: 'causal' }, {}, 'INVALID_SHAPE', '`attn_mask`'],
  ];
  for (const [options, tokens, code, ...words] of wrong) {
    await assertRefused(t, () => onnx(options, tokens), { code: code as 'INVALID_OPTION', what: words });
  }
});
