// Wrong options of engine.attention but for lengths: the code, and a message that names the option.
import test from 'ava';
import { assertRefused } from '../helpers/assertions.js';
import { normalTensor } from '../helpers/random.js';
import { beside, inputs, openEngine, refuserOf } from '../helpers/refusals.js';

const engineOf = openEngine();
const refuse = refuserOf(engineOf, inputs);
const refuseBeside = refuserOf(engineOf, beside);

const three = { k: normalTensor([2, 3, 7, 5], 1), v: normalTensor([2, 3, 7, 6], 1) };
refuse('key/value heads that do not divide the heads are refused', three, 'INVALID_OPTION', '`kvHeads`', '3');
refuse('heads other than those of q are refused', { heads: 2 }, 'INVALID_OPTION', '`heads`', '2');
refuse('kvHeads other than those of k are refused', { kvHeads: 4 }, 'INVALID_OPTION', '`kvHeads`', '4');
for (const value of [0, -1, 1.5, '8', NaN, null]) {
  const shown = typeof value === 'string' ? `"${value}"` : String(value);
  refuseBeside(`heads of ${shown} are refused`, { heads: value }, 'INVALID_OPTION', '`heads`', shown);
  if (value !== null)
    refuseBeside(`kvHeads of ${shown} are refused`, { kvHeads: value }, 'INVALID_OPTION', '`kvHeads`', shown);
}
refuseBeside(
  'no heads beside tensors of rank 3 are refused',
  { heads: undefined },
  'INVALID_OPTION',
  '`heads`',
  'rank 3',
);
refuseBeside(
  'heads that do not divide the width are refused',
  { heads: 3 },
  'INVALID_OPTION',
  '`heads`',
  '20',
);
refuseBeside(
  'kvHeads that do not divide the width are refused',
  { kvHeads: 3 },
  'INVALID_OPTION',
  '`kvHeads`',
  '20',
);

refuse(
  'a misspelt option is refused with the right one',
  { casual: true },
  'UNKNOWN_OPTION',
  '`casual`',
  'did you mean `causal`?',
);
refuse('an unheard-of option is refused', { temperature: 1 }, 'UNKNOWN_OPTION', '`temperature`');
for (const [wrong, right] of [
  ['windows', 'window'],
  ['softCap', 'softcap'],
  ['alibi_slopes', 'alibiSlopes'],
  ['sink', 'sinks'],
  ['headscale', 'headScale'],
  ['ropes', 'rope'],
  ['qk_norm', 'qkNorm'],
  ['returnScore', 'returnScores'],
  ['headStatistic', 'headStatistics'],
  ['allignment', 'alignment'],
  ['caches', 'cache'],
  ['timeout', 'timeoutMs'],
] as const) {
  const words = `Unknown option \`${wrong}\`; did you mean \`${right}\`?`;
  refuse(`the option ${wrong} is refused with ${right}`, { [wrong]: 1 }, 'UNKNOWN_OPTION', words);
}
const smuggled = JSON.parse('{ "__proto__": { "causal": true } }') as object;
test('a key named __proto__ is refused and has no effect', async (t) => {
  const given = Object.defineProperties({ ...inputs }, Object.getOwnPropertyDescriptors(smuggled));
  await assertRefused(t, () => engineOf().attention(given), { code: 'UNKNOWN_OPTION', what: '`__proto__`' });
  t.is(({} as { causal?: unknown }).causal, undefined);
});

refuse('a signal that is none is refused', { signal: {} }, 'INVALID_OPTION', '`signal`');
for (const value of [0, -1, NaN, Infinity, 2 ** 31, '5', null]) {
  const title = `a deadline of ${String(value)} ms is refused`;
  const words = ['Expected a number of milliseconds > 0 and at most 2147483647', '`timeoutMs`'];
  refuse(title, { timeoutMs: value }, 'INVALID_OPTION', ...words);
}
for (const value of ['high', 1, null]) {
  const title = `a priority of ${String(value)} is refused`;
  const words = "Expected 'interactive' or 'batch' for `priority`";
  refuse(title, { priority: value }, 'INVALID_OPTION', words);
}

const bytes = (...shape: number[]) => ({ shape, data: new Uint8Array(shape.reduce((a, b) => a * b, 1)) });
for (const shape of [[6], [4, 7], [2, 3, 7], [3, 4, 3, 7], [1, 2, 4, 3, 7]]) {
  const title = `[${shape.join(', ')}]`;
  refuse(
    `a mask of shape ${title} is refused`,
    { mask: bytes(...shape) },
    'INVALID_SHAPE',
    '`mask.shape`',
    '[2, 4, 3, 7]',
  );
  const bias = normalTensor(shape, 1);
  refuse(`a bias of shape ${title} is refused`, { bias }, 'INVALID_SHAPE', '`bias.shape`', '[2, 4, 3, 7]');
}
refuse(
  'a mask of floats is refused',
  { mask: normalTensor([7], 1) },
  'INVALID_SHAPE',
  '`mask.data`',
  'Float32Array',
);
refuse(
  'a mask of other numbers than 0 and 1 is refused',
  { mask: { shape: [2], data: [0, 2] } },
  'INVALID_SHAPE',
  '`mask.data[1]`, got `2`',
);
const holes = new Array<boolean>(7);
refuse(
  'a mask with holes is refused',
  { mask: { shape: [7], data: holes } },
  'INVALID_SHAPE',
  '`mask.data[0]`',
);
refuse(
  'a mask shorter than its shape is refused',
  { mask: { shape: [7], data: [true] } },
  'INVALID_SHAPE',
  '`mask.data.length`',
);
refuse('a mask without shape is refused', { mask: { data: [true] } }, 'INVALID_SHAPE', '`mask.shape`');
refuse('a mask of null is refused', { mask: null }, 'INVALID_SHAPE', '`mask`');
refuse('a mask that is a list is refused', { mask: [true] }, 'INVALID_SHAPE', '`mask`, got `[true]`');
refuse('a bias of bytes is refused', { bias: bytes(7) }, 'INVALID_SHAPE', '`bias.data`', 'Uint8Array');
refuse('a bias of null is refused', { bias: null }, 'INVALID_SHAPE', '`bias`');
