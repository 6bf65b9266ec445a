// presets.jax against what jax.nn.dot_product_attention computes, row by row of docs/porting.md.
import test from 'ava';
import { presets } from '../../../src/attention/presets.js';
import { attentionCase } from '../../helpers/attention-case.js';
import { assertRefused } from '../../helpers/assertions.js';
import { checkFormula, portingRows, wide } from '../../helpers/porting.js';
import { normalTensor, randomMask } from '../../helpers/random.js';
import { assertClose } from '../../helpers/tolerance.js';

const row = portingRows('jax');
const { jax } = presets;

row('the diagonal starts at key 0, whatever the lengths', async (t, engine) => {
  t.deepEqual(jax({ is_causal: true }), { causal: 'top-left' });
  await checkFormula(t, engine, jax({ is_causal: true }), { mask: (_b, _h, i, j) => j <= i });
});

row('one number is a window to both sides, inclusive', (t) => {
  t.deepEqual(jax({ local_window_size: 2 }), { alignment: 'top-left', window: { left: 2, right: 2 } });
  t.deepEqual(jax({ local_window_size: null }), {});
});

row('a window starts in the top left corner, beside a mask or without one', (t) => {
  const window = { left: 3, right: 2 };
  t.deepEqual(jax({ local_window_size: [3, 2] }), { alignment: 'top-left', window });
  t.deepEqual(jax({ local_window_size: [3, 2], is_causal: true }), { causal: 'top-left', window });
  const { mask, ...rest } = jax({ local_window_size: [3, 2], mask: randomMask([1, 1, 3, 7], 1) });
  t.deepEqual(mask?.shape, [1, 1, 3, 7]);
  t.deepEqual(rest, { alignment: 'top-left', window });
});

row('a mask is boolean, true means attend', async (t, engine) => {
  const mask = randomMask([2, 1, 3, 7], 1);
  await checkFormula(t, engine, jax({ mask }), {
    mask: (b, _h, i, j) => mask.data[(b * 3 + i) * 7 + j] === 1,
  });
  const floats = normalTensor([1, 1, 3, 7], 1) as never;
  await assertRefused(t, () => jax({ mask: floats }), {
    code: 'INVALID_SHAPE',
    what: ['`mask.data`', 'booleans'],
  });
});

row('a bias is added to the scaled logits, before the mask', async (t, engine) => {
  const bias = normalTensor([1, 4, 3, 7], 2);
  const mask = randomMask([1, 1, 3, 7], 3);
  await checkFormula(t, engine, jax({ bias, mask, scale: 0.7 }), {
    scale: 0.7,
    bias: (_b, h, i, j) => bias.data[(h * 3 + i) * 7 + j]!,
    mask: (_b, _h, i, j) => mask.data[i * 7 + j] === 1,
  });
});

row('lengths of the keys leave the diagonal where it is', async (t, engine) => {
  const lengths = [2, 5];
  const options = jax({ is_causal: true, key_value_seq_lengths: Int32Array.from(lengths) });
  t.deepEqual(options, { causal: 'top-left', keyLengths: lengths });
  await checkFormula(t, engine, options, { mask: (b, _h, i, j) => j <= i && j < lengths[b]! });
});

row('the output after a query length is 0, needing the number of queries', async (t, engine) => {
  const lengths = [1, 3];
  const options = jax({ query_seq_lengths: lengths, key_value_seq_lengths: [7, 6] }, { queries: 3 });
  const valid = (b: number, i: number): boolean => i < lengths[b]!;
  const { output } = await checkFormula(t, engine, options, {
    keyLengths: [7, 6],
    mask: (b, _h, i) => valid(b, i),
  });
  t.true(output.data.subarray(5, 15).every((value) => value === 0));

  const mask = randomMask([1, 4, 3, 7], 3);
  const masked = jax({ query_seq_lengths: lengths, mask }, { queries: 3 });
  await checkFormula(t, engine, masked, {
    mask: (b, h, i, j) => valid(b, i) && mask.data[(h * 3 + i) * 7 + j] === 1,
  });
  const uncounted = () => jax({ query_seq_lengths: lengths });
  await assertRefused(t, uncounted, {
    code: 'INVALID_OPTION',
    what: ['`tokens.queries`', '`query_seq_lengths`'],
  });
});

row("no scale means 1 over the root of the head's width", async (t, engine) => {
  t.deepEqual(jax({ scale: null }), {});
  await checkFormula(t, engine, jax({ scale: null }), { scale: 1 / Math.sqrt(5) });
});

row('the implementation is only checked for its name', async (t) => {
  for (const implementation of ['xla', 'cudnn', null] as const) t.deepEqual(jax({ implementation }), {});
  const unknown = () => jax({ implementation: 'pallas' as never });
  await assertRefused(t, unknown, { code: 'INVALID_OPTION', what: ['`implementation`', 'pallas'] });
});

row('an empty row is 0, and the mean of all values there', async (t, engine) => {
  const options = jax({ mask: { shape: [1, 1, 3, 1], data: [true, false, true] } });
  const { output } = await checkFormula(t, engine, options, { mask: (_b, _h, i) => i !== 1 });
  t.true(output.data.subarray(5, 10).every((value) => value === 0));
});

row('heads lie beside each other, so the shape alone changes', async (t, engine) => {
  const { inputs } = attentionCase({ ...wide, heads: 1, kvHeads: 1 });
  const apart = await engine.attention(inputs);
  const flat = await engine.attention({
    q: { shape: [2, 3, 5], data: inputs.q.data },
    k: { shape: [2, 7, 5], data: inputs.k.data },
    v: { shape: [2, 7, 5], data: inputs.v.data },
    heads: 1,
    ...jax(),
  });
  t.deepEqual(flat.output.shape, [2, 3, 5]);
  assertClose(t, flat.output.data, apart.output.data);
});

row('residuals are asked for by returnLogSumExp', async (t) => {
  t.deepEqual(jax({ return_residual: false }), {});
  const refused = () => jax({ return_residual: true });
  await assertRefused(t, refused, {
    code: 'INVALID_OPTION',
    what: ['`return_residual`', '`returnLogSumExp`'],
  });
});

test('what dot_product_attention would not take is refused by its names', async (t) => {
  const wrong: readonly (readonly [object, object, string, ...string[]])[] = [
    [
      { local_windowsize: 1 },
      {},
      'UNKNOWN_OPTION',
      '`local_windowsize`',
      'did you mean `local_window_size`?',
    ],
    [{ dropout_rate: 0 }, {}, 'UNKNOWN_OPTION', '`dropout_rate`'],
    [{}, { keys: 3 }, 'UNKNOWN_OPTION', '`keys`'],
    [{ is_causal: null }, {}, 'INVALID_OPTION', '`is_causal`', 'null'],
    [{ local_window_size: -1 }, {}, 'INVALID_OPTION', '`local_window_size`', '-1'],
    [{ local_window_size: [1] }, {}, 'INVALID_OPTION', '`local_window_size`', '[1]'],
    [{ local_window_size: [1, 0.5] }, {}, 'INVALID_OPTION', '`local_window_size`', '0.5'],
    [{ key_value_seq_lengths: [1.5] }, {}, 'INVALID_OPTION', '`key_value_seq_lengths`', '1.5'],
    [{ query_seq_lengths: 'all' }, { queries: 3 }, 'INVALID_OPTION', '`query_seq_lengths`', '"all"'],
    [{ scale: '1' }, {}, 'INVALID_OPTION', '`scale`'],
    [{ bias: [1] }, {}, 'INVALID_SHAPE', '`bias`', '[1]'],
  ];
  for (const [options, tokens, code, ...words] of wrong) {
    await assertRefused(t, () => jax(options, tokens), { code: code as 'INVALID_OPTION', what: words });
  }
});
