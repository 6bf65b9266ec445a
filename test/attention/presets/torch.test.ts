// presets.torch against what scaled_dot_product_attention computes, row by row of docs/porting.md.
import test from 'ava';
import { presets } from '../../../src/attention/presets.js';
import { attentionCase } from '../../helpers/attention-case.js';
import { assertRefused } from '../../helpers/assertions.js';
import { checkFormula, portingRows, wide } from '../../helpers/porting.js';
import { normalTensor, randomMask } from '../../helpers/random.js';

const row = portingRows('torch');
const { torch } = presets;

row('the diagonal starts at key 0, however many keys there are', async (t, engine) => {
  t.deepEqual(torch({ is_causal: true }), { causal: 'top-left' });
  await checkFormula(t, engine, torch({ is_causal: true }), { mask: (_b, _h, i, j) => j <= i });
});

row('true means attend in both', async (t, engine) => {
  const mask = randomMask([2, 1, 3, 7], 1);
  const options = torch({ attn_mask: mask });
  t.deepEqual(Object.keys(options), ['mask']);
  await checkFormula(t, engine, options, { mask: (b, _h, i, j) => mask.data[(b * 3 + i) * 7 + j] === 1 });
  const list = torch({ attn_mask: { shape: [7], data: [true, false, true, true, false, true, true] } });
  await checkFormula(t, engine, list, { mask: (_b, _h, _i, j) => j !== 1 && j !== 4 });
});

row('floats are added to the scaled scores, and -Infinity leaves out', async (t, engine) => {
  const bias = normalTensor([4, 3, 7], 2);
  for (let n = 0; n < bias.data.length; n += 5) bias.data[n] = -Infinity;
  const options = torch({ attn_mask: bias, scale: 0.3 });
  t.deepEqual(options, { bias, scale: 0.3 });
  await checkFormula(t, engine, options, {
    scale: 0.3,
    bias: (_b, h, i, j) => bias.data[(h * 3 + i) * 7 + j]!,
  });
});

row('a mask beside is_causal is an error in both', async (t) => {
  const mask = randomMask([3, 7], 1);
  for (const attn_mask of [mask, normalTensor([3, 7], 1)]) {
    await assertRefused(t, () => torch({ attn_mask, is_causal: true }), {
      code: 'INVALID_OPTION',
      what: ['`attn_mask`', 'is_causal'],
    });
  }
  t.deepEqual(torch({ attn_mask: null, is_causal: true }), { causal: 'top-left' });
});

row('no scale means 1 / √headDim in both', async (t, engine) => {
  t.deepEqual(torch({ scale: null }), {});
  t.deepEqual(torch({ scale: -2 }), { scale: -2 });
  await checkFormula(t, engine, torch({ scale: null }), { scale: 1 / Math.sqrt(5) });
});

row('neighbouring query heads share a key head, whether enable_gqa is set or not', async (t, engine) => {
  t.deepEqual(torch({ enable_gqa: true }), {});
  t.deepEqual(torch({ enable_gqa: false }), {});
  await checkFormula(t, engine, torch({ enable_gqa: true }), {}, { ...wide, heads: 6 });
});

row('nothing is dropped at random, so dropout_p must be 0', async (t) => {
  t.deepEqual(torch({ dropout_p: 0 }), {});
  await assertRefused(t, () => torch({ dropout_p: 0.1 }), {
    code: 'INVALID_OPTION',
    what: ['`dropout_p`', '0.1'],
  });
});

row('an empty row is 0, where PyTorch before 2.5 gave NaN', async (t, engine) => {
  const options = torch({ attn_mask: { shape: [3, 1], data: [true, false, true] } });
  const { output } = await checkFormula(t, engine, options, { mask: (_b, _h, i) => i !== 1 });
  t.true(output.data.subarray(5, 10).every((value) => value === 0));
});

row('NaN behind a mask changes nothing, where PyTorch may multiply it by 0', async (t, engine) => {
  const { inputs } = attentionCase(wide);
  const options = torch({ attn_mask: { shape: [7], data: [true, true, true, true, true, true, false] } });
  const wanted = await engine.attention({ ...inputs, ...options });
  for (const { data } of [inputs.k, inputs.v]) {
    for (let start = 30; start < data.length; start += 35) data.fill(NaN, start, start + 5);
  }
  const { output } = await engine.attention({ ...inputs, ...options });
  t.deepEqual(output.data, wanted.output.data);
});

test('no options of torch are no options', (t) => {
  t.deepEqual(torch(), {});
  t.deepEqual(torch({ attn_mask: null, dropout_p: 0, is_causal: false, scale: null }), {});
});

test('what scaled_dot_product_attention would not take is refused by its names', async (t) => {
  const wrong: readonly (readonly [object, string, ...string[]])[] = [
    [{ is_casual: true }, 'UNKNOWN_OPTION', '`is_casual`', 'did you mean `is_causal`?'],
    [{ causal: true }, 'UNKNOWN_OPTION', '`causal`'],
    [{ is_causal: 1 }, 'INVALID_OPTION', '`is_causal`', '1'],
    [{ enable_gqa: 'yes' }, 'INVALID_OPTION', '`enable_gqa`', 'yes'],
    [{ scale: Infinity }, 'INVALID_OPTION', '`scale`', 'Infinity'],
    [{ scale: '1' }, 'INVALID_OPTION', '`scale`', '"1"'],
    [{ dropout_p: '0' }, 'INVALID_OPTION', '`dropout_p`'],
    [{ attn_mask: [true] }, 'INVALID_SHAPE', '`attn_mask`'],
    [{ attn_mask: { shape: [2], data: new Int32Array(2) } }, 'INVALID_SHAPE', '`attn_mask`'],
    [{ attn_mask: { shape: [3], data: [true] } }, 'INVALID_SHAPE', '`attn_mask.data.length`'],
    [{ attn_mask: { shape: [3], data: new Float32Array(2) } }, 'INVALID_SHAPE', '`attn_mask.data.length`'],
  ];
  for (const [options, code, ...words] of wrong) {
    await assertRefused(t, () => torch(options), { code: code as 'INVALID_OPTION', what: words });
  }
  await assertRefused(t, () => torch(null as never), { code: 'INVALID_OPTION', what: 'presets.torch' });
});
