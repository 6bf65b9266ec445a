// presets.flashAttention against what flash_attn_func computes, row by row of docs/porting.md.
import test from 'ava';
import { presets } from '../../../src/attention/presets.js';
import { createTensor } from '../../../src/core/tensor/tensor.js';
import { attendOracle } from '../../oracle/oracle.js';
import { attentionCase } from '../../helpers/attention-case.js';
import { assertRefused } from '../../helpers/assertions.js';
import { checkFormula, portingRows, wide } from '../../helpers/porting.js';
import { normalTensor } from '../../helpers/random.js';
import { assertClose, findDeviation } from '../../helpers/tolerance.js';

const row = portingRows('flashAttention');
const { flashAttention } = presets;
const tall = { ...wide, queries: 7, keys: 3 };

row('the diagonal ends at the last key, since 2.1', async (t, engine) => {
  const options = flashAttention({ causal: true });
  t.deepEqual(options, { causal: 'bottom-right' });
  await checkFormula(t, engine, options, { mask: (_b, _h, i, j) => j <= i + 7 - 3 });
  await checkFormula(t, engine, options, { mask: (_b, _h, i, j) => j <= i + 3 - 7 }, tall);
});

row('windows are inclusive, -1 means no bound, and they start in the bottom right corner too', (t) => {
  t.deepEqual(flashAttention({ window_size: [2, 1] }), {
    alignment: 'bottom-right',
    window: { left: 2, right: 1 },
  });
  t.deepEqual(flashAttention({ window_size: [0, -1] }), { alignment: 'bottom-right', window: { left: 0 } });
  t.deepEqual(flashAttention({ window_size: [-1, 3] }), { alignment: 'bottom-right', window: { right: 3 } });
  t.deepEqual(flashAttention({ window_size: [-1, -1] }), {});
  t.deepEqual(flashAttention({ causal: true, window_size: [4, -1] }), {
    causal: 'bottom-right',
    window: { left: 4 },
  });
});

row('no softmax_scale means 1 / √headDim', async (t, engine) => {
  t.deepEqual(flashAttention({ softmax_scale: null }), {});
  t.deepEqual(flashAttention({ softmax_scale: 0.5 }), { scale: 0.5 });
  await checkFormula(t, engine, flashAttention(), { scale: 1 / Math.sqrt(5) });
});

row('a softcap of 0.0 means none', (t) => {
  t.deepEqual(flashAttention({ softcap: 0 }), {});
});

row('the softcap comes before ALiBi and masks', (t) => {
  t.deepEqual(flashAttention({ softcap: 30, alibi_slopes: [0.5, 0.25], causal: true }), {
    causal: 'bottom-right',
    softcap: 30,
    alibiSlopes: [0.5, 0.25],
  });
});

row('distances are counted from the bottom right diagonal', (t) => {
  const wanted = { alignment: 'bottom-right', alibiSlopes: [0.5, 0.25] };
  t.deepEqual(flashAttention({ alibi_slopes: [0.5, 0.25] }), wanted);
  t.deepEqual(flashAttention({ alibi_slopes: Float32Array.of(0.5, 0.25) }), wanted);
  t.deepEqual(flashAttention({ alibi_slopes: createTensor([2], [0.5, 0.25]) }), wanted);
  t.deepEqual(flashAttention({ alibi_slopes: null }), {});
});

row('slopes of each batch entry have no counterpart', async (t) => {
  const nested = [[0.5], [0.25]] as never;
  for (const alibi_slopes of [createTensor([2, 1], [0.5, 0.25]), nested]) {
    const refused = () => flashAttention({ alibi_slopes });
    await assertRefused(t, refused, { code: 'INVALID_OPTION', what: ['`alibi_slopes`', '[heads]', 'batch'] });
  }
});

row('the log-sum-exp of an empty row is -Infinity, and +inf there', async (t, engine) => {
  t.deepEqual(flashAttention({ return_softmax_lse: true }), { returnLogSumExp: true });
  t.deepEqual(flashAttention({ return_softmax_lse: false }), {});
  const { inputs } = attentionCase(tall);
  const options = flashAttention({ causal: true, return_softmax_lse: true });
  const { output, logSumExp } = await engine.attention({ ...inputs, ...options });
  t.true(logSumExp!.data.subarray(0, 4).every((value) => value === -Infinity));
  t.true(output.data.subarray(0, 20).every((value) => value === 0));
});

row('causal ALiBi leaves slope · position out of their log-sum-exp', (t) => {
  const slope = 0.3;
  const { oracle } = attentionCase(wide);
  const mask = (_b: number, _h: number, i: number, j: number): boolean => j <= i + 4;
  const ours = attendOracle({ ...oracle, mask, bias: (_b, _h, i, j) => -slope * Math.abs(i + 4 - j) });
  const theirs = attendOracle({ ...oracle, mask, bias: (_b, _h, _i, j) => slope * j });
  assertClose(t, ours.output, theirs.output);
  const shifted = ours.logSumExp.map((value, n) => value + slope * ((n % 3) + 4));
  t.is(findDeviation(shifted, theirs.logSumExp, 1e-12), undefined);
});

row('row offsets are the same numbers', async (t, engine) => {
  const options = flashAttention({
    causal: true,
    cu_seqlens_q: Int32Array.of(0, 2, 3),
    cu_seqlens_k: Int32Array.of(0, 4, 7),
  });
  t.deepEqual(options, { causal: 'bottom-right', offsets: [0, 2, 3], keyOffsets: [0, 4, 7] });
  const [q, k, v] = [normalTensor([3, 8], 1), normalTensor([7, 8], 2), normalTensor([7, 8], 3)];
  const { output } = await engine.attention({ q, k, v, heads: 2, ...options });
  const second = await engine.attention({
    q: createTensor([1, 8], q.data.subarray(16)),
    k: createTensor([3, 8], k.data.subarray(32)),
    v: createTensor([3, 8], v.data.subarray(32)),
    heads: 2,
  });
  assertClose(t, output.data.subarray(16), second.output.data);
});

row('the layout is the same memory under another shape, with heads beside it', async (t, engine) => {
  const [batch, heads, kvHeads, dims] = [2, 4, 2, 5];
  const q = normalTensor([batch, 3, heads, dims], 1);
  const k = normalTensor([batch, 7, kvHeads, dims], 2);
  const flat = await engine.attention({
    q: { shape: [batch, 3, heads * dims], data: q.data },
    k: { shape: [batch, 7, kvHeads * dims], data: k.data },
    v: { shape: [batch, 7, kvHeads * dims], data: k.data },
    heads,
    kvHeads,
    ...flashAttention({ causal: true }),
  });
  const apart = attendOracle({
    dims: { batch, heads, kvHeads, queries: 3, keys: 7, headDim: dims, valueDim: dims },
    q: swapTokensAndHeads(q.data, [batch, 3, heads, dims]),
    k: swapTokensAndHeads(k.data, [batch, 7, kvHeads, dims]),
    v: swapTokensAndHeads(k.data, [batch, 7, kvHeads, dims]),
    mask: (_b, _h, i, j) => j <= i + 4,
  });
  assertClose(t, flat.output.data, swapTokensAndHeads(apart.output, [batch, heads, 3, dims]));
});

/** [a, b, c, d] -> [a, c, b, d] */
function swapTokensAndHeads(
  data: ArrayLike<number>,
  [, b, c, d]: readonly [number, number, number, number],
): Float64Array {
  return Float64Array.from({ length: data.length }, (_, n) => {
    const [i, k, j, l] = [
      Math.floor(n / (b * c * d)),
      Math.floor(n / (b * d)) % c,
      Math.floor(n / d) % b,
      n % d,
    ];
    return data[((i * b + j) * c + k) * d + l]!;
  });
}

row('dropout_p must be 0', async (t) => {
  t.deepEqual(flashAttention({ dropout_p: 0 }), {});
  await assertRefused(t, () => flashAttention({ dropout_p: 0.2 }), {
    code: 'INVALID_OPTION',
    what: ['`dropout_p`', '0.2'],
  });
});

row('probabilities for tests are refused', async (t) => {
  t.deepEqual(flashAttention({ return_attn_probs: false, deterministic: true }), {});
  const refused = () => flashAttention({ return_attn_probs: true });
  await assertRefused(t, refused, {
    code: 'INVALID_OPTION',
    what: ['`return_attn_probs`', '`returnWeights`'],
  });
});

test('what flash_attn_func would not take is refused by its names', async (t) => {
  const wrong: readonly (readonly [object, string, ...string[]])[] = [
    [{ windowsize: [1, 1] }, 'UNKNOWN_OPTION', '`windowsize`', 'did you mean `window_size`?'],
    [{ max_seqlen_q: 4 }, 'UNKNOWN_OPTION', '`max_seqlen_q`'],
    [{ causal: 'top-left' }, 'INVALID_OPTION', '`causal`'],
    [{ window_size: 4 }, 'INVALID_OPTION', '`window_size`', '4'],
    [{ window_size: [1, 2, 3] }, 'INVALID_OPTION', '`window_size`', '[1,2,3]'],
    [{ window_size: [-2, 0] }, 'INVALID_OPTION', '`window_size[0]`', '-2'],
    [{ window_size: [0, 0.5] }, 'INVALID_OPTION', '`window_size[1]`', '0.5'],
    [{ softcap: -30 }, 'INVALID_OPTION', '`softcap`', '-30'],
    [{ softmax_scale: NaN }, 'INVALID_OPTION', '`softmax_scale`', 'NaN'],
    [{ alibi_slopes: [1, Infinity] }, 'INVALID_OPTION', '`alibi_slopes`'],
    [{ alibi_slopes: 1 }, 'INVALID_OPTION', '`alibi_slopes`', '1'],
    [{ cu_seqlens_q: [0.5] }, 'INVALID_OPTION', '`cu_seqlens_q`', '0.5'],
    [{ cu_seqlens_k: null }, 'INVALID_OPTION', '`cu_seqlens_k`', 'null'],
    [{ return_softmax_lse: 1 }, 'INVALID_OPTION', '`return_softmax_lse`'],
    [{ deterministic: 0 }, 'INVALID_OPTION', '`deterministic`'],
  ];
  for (const [options, code, ...words] of wrong) {
    await assertRefused(t, () => flashAttention(options), { code: code as 'INVALID_OPTION', what: words });
  }
});
