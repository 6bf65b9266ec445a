// presets.torchMultihead against what nn.MultiheadAttention does with its masks, row by row of docs/porting.md.
import test from 'ava';
import { presets } from '../../../src/attention/presets.js';
import { createXavierWeights } from '../../../src/index.js';
import { assertRefused } from '../../helpers/assertions.js';
import { checkFormula, portingRows } from '../../helpers/porting.js';
import { normalTensor, randomMask } from '../../helpers/random.js';

const row = portingRows('torchMultihead');
const { torchMultihead } = presets;
const quiet = { need_weights: false };
const ignored = randomMask([3, 7], 4, 0.3);
const isIgnored = (i: number, j: number): boolean => ignored.data[i * 7 + j] === 1;
const padding = randomMask([2, 7], 5, 0.3);
const isPadding = (b: number, j: number): boolean => padding.data[b * 7 + j] === 1;

row('true means ignore there and attend here', async (t, engine) => {
  const options = torchMultihead({ attn_mask: ignored, ...quiet });
  t.deepEqual(Object.keys(options), ['mask']);
  await checkFormula(t, engine, options, { mask: (_b, _h, i, j) => !isIgnored(i, j) });
});

row('a mask of rank 3 counts batch and heads in one axis, which num_heads divides', async (t, engine) => {
  const mask = randomMask([8, 3, 7], 6, 0.3);
  const at = (b: number, h: number, i: number, j: number): number => ((b * 4 + h) * 3 + i) * 7 + j;
  const options = torchMultihead({ attn_mask: mask, num_heads: 4, ...quiet });
  t.deepEqual(options.mask?.shape, [2, 4, 3, 7]);
  await checkFormula(t, engine, options, { mask: (...index) => mask.data[at(...index)] === 0 });

  const bias = normalTensor([8, 3, 7], 7);
  const added = torchMultihead({ attn_mask: bias, num_heads: 4, ...quiet });
  await checkFormula(t, engine, added, { bias: (...index) => bias.data[at(...index)]! });
  for (const num_heads of [undefined, 3, 0, 1.5]) {
    const given = { attn_mask: mask, ...(num_heads !== undefined && { num_heads }) };
    await assertRefused(t, () => torchMultihead(given), {
      code: 'INVALID_OPTION',
      what: ['`num_heads`', '8'],
    });
  }
});

row('true marks padding, in any place of the sequence', async (t, engine) => {
  const options = torchMultihead({ key_padding_mask: padding, ...quiet });
  t.deepEqual(options.mask?.shape, [2, 1, 1, 7]);
  await checkFormula(t, engine, options, { mask: (b, _h, _i, j) => !isPadding(b, j) });
  const single = torchMultihead({
    key_padding_mask: { shape: [7], data: padding.data.slice(0, 7) },
    ...quiet,
  });
  t.deepEqual(single.mask?.shape, [1, 1, 1, 7]);
});

row('a key must pass both masks', async (t, engine) => {
  const options = torchMultihead({ attn_mask: ignored, key_padding_mask: padding, ...quiet });
  await checkFormula(t, engine, options, { mask: (b, _h, i, j) => !isIgnored(i, j) && !isPadding(b, j) });
});

row('floats of both masks are added', async (t, engine) => {
  const [attention, keys] = [normalTensor([3, 7], 8), normalTensor([2, 7], 9)];
  keys.data[3] = -Infinity;
  const options = torchMultihead({ attn_mask: attention, key_padding_mask: keys, ...quiet });
  t.deepEqual(Object.keys(options), ['bias']);
  await checkFormula(t, engine, options, {
    bias: (b, _h, i, j) => attention.data[i * 7 + j]! + keys.data[b * 7 + j]!,
  });
});

row('a float mask and a boolean one go side by side', async (t, engine) => {
  const attention = normalTensor([3, 7], 8);
  const options = torchMultihead({ attn_mask: attention, key_padding_mask: padding, ...quiet });
  await checkFormula(t, engine, options, {
    bias: (_b, _h, i, j) => attention.data[i * 7 + j]!,
    mask: (b, _h, _i, j) => !isPadding(b, j),
  });
});

row('is_causal is a hint: the mask must be there and decides', async (t, engine) => {
  const refused = () => torchMultihead({ is_causal: true });
  await assertRefused(t, refused, { code: 'INVALID_OPTION', what: ['`attn_mask`', '`is_causal`'] });
  const options = torchMultihead({ attn_mask: ignored, is_causal: true, ...quiet });
  t.is(options.causal, undefined);
  await checkFormula(t, engine, options, { mask: (_b, _h, i, j) => !isIgnored(i, j) });
});

row('weights are returned unless need_weights is false, averaged over the heads', async (t, engine) => {
  t.deepEqual(torchMultihead(), { returnWeights: 'mean' });
  t.deepEqual(torchMultihead(quiet), {});
  const { weights } = await checkFormula(t, engine, torchMultihead(), {});
  t.deepEqual(weights?.shape, [2, 3, 7]);
});

row('weights of every head are asked for by average_attn_weights', async (t, engine) => {
  const options = torchMultihead({ average_attn_weights: false });
  t.deepEqual(options, { returnWeights: true });
  t.deepEqual(torchMultihead({ average_attn_weights: false, ...quiet }), {});
  const { weights } = await checkFormula(t, engine, options, {});
  t.deepEqual(weights?.shape, [2, 4, 3, 7]);
});

row('tokens come before the batch there by default, and never here', async (t) => {
  t.deepEqual(torchMultihead({ batch_first: true, ...quiet }), {});
  await assertRefused(t, () => torchMultihead({ batch_first: false }), {
    code: 'INVALID_OPTION',
    what: ['`batch_first`', 'transpose'],
  });
});

row('a layer drops nothing at random, so dropout must be 0', async (t) => {
  t.deepEqual(torchMultihead({ dropout: 0, ...quiet }), {});
  await assertRefused(t, () => torchMultihead({ dropout: 0.1 }), {
    code: 'INVALID_OPTION',
    what: ['`dropout`', '0.1'],
  });
});

row(
  'an empty row is the bias of the output projection, where PyTorch gives NaN beside weights',
  async (t, engine) => {
    const bias = normalTensor([8], 10);
    const weights = createXavierWeights({ modelDim: 8, heads: 2, seed: 1 });
    const output = { ...weights.output, bias };
    using layer = await engine.multiHeadAttention({ heads: 2, weights: { ...weights, output } });
    const result = await layer.forward(
      normalTensor([1, 3, 8], 11),
      torchMultihead({
        attn_mask: { shape: [3, 3], data: [false, true, true, true, true, true, false, false, true] },
      }),
    );
    t.deepEqual(result.output.data.subarray(8, 16), bias.data);
    t.deepEqual([...result.weights!.data.subarray(3, 6)], [0, 0, 0]);
  },
);

test('what nn.MultiheadAttention would not take is refused by its names', async (t) => {
  const wrong: readonly (readonly [object, string, ...string[]])[] = [
    [{ key_pading_mask: padding }, 'UNKNOWN_OPTION', '`key_pading_mask`', 'did you mean `key_padding_mask`?'],
    [{ need_weights: 1 }, 'INVALID_OPTION', '`need_weights`'],
    [{ average_attn_weights: 'mean' }, 'INVALID_OPTION', '`average_attn_weights`'],
    [{ is_causal: 'top-left' }, 'INVALID_OPTION', '`is_causal`'],
    [{ attn_mask: randomMask([7], 1) }, 'INVALID_SHAPE', '`attn_mask`', '[7]'],
    [{ attn_mask: randomMask([2, 4, 3, 7], 1) }, 'INVALID_SHAPE', '`attn_mask`', '[2, 4, 3, 7]'],
    [{ key_padding_mask: randomMask([2, 1, 7], 1) }, 'INVALID_SHAPE', '`key_padding_mask`', '[2, 1, 7]'],
    [{ key_padding_mask: randomMask([], 1) }, 'INVALID_SHAPE', '`key_padding_mask`'],
    [
      { attn_mask: randomMask([3, 6], 1), key_padding_mask: padding },
      ...(['INVALID_SHAPE', '[3, 6]', '[2, 1, 1, 7]'] as const),
    ],
  ];
  for (const [options, code, ...words] of wrong) {
    await assertRefused(t, () => torchMultihead(options), { code: code as 'INVALID_OPTION', what: words });
  }
});
