// Wrong places for the output of engine.attention, and the state of the engine after a refusal.
import test from 'ava';
import { assertRefused, assertSameBytes } from '../helpers/assertions.js';
import { normalTensor } from '../helpers/random.js';
import { inputs, openEngine, refuserOf } from '../helpers/refusals.js';

const engineOf = openEngine();
const refuse = refuserOf(engineOf, inputs);

const privateOut = { shape: [2, 4, 3, 6], data: new Float32Array(2 * 4 * 3 * 6) };
refuse(
  'an out in private memory is refused',
  { out: privateOut },
  'INVALID_SHAPE',
  '`out.data`',
  'SharedArrayBuffer',
);
refuse(
  'an out of another shape is refused',
  { out: normalTensor([2, 4, 3, 5], 1) },
  'INVALID_SHAPE',
  '`out.shape`',
  '[2, 4, 3, 6]',
);
refuse('an out of null is refused', { out: null }, 'INVALID_SHAPE', '`out`');

test('an out on the memory of an input is refused, and the input keeps its numbers', async (t) => {
  const x = normalTensor([1, 2, 3, 4], 1);
  const before = x.data.slice();
  const others = {
    q: normalTensor([1, 2, 3, 4], 2),
    k: normalTensor([1, 2, 3, 4], 3),
    v: normalTensor([1, 2, 3, 4], 4),
  };
  for (const name of ['q', 'k', 'v'] as const) {
    await assertRefused(t, () => engineOf().attention({ ...others, [name]: x, out: x }), {
      code: 'INVALID_OPTION',
      what: '`out`',
    });
  }
  const bias = { shape: [1, 1, 3, 3], data: x.data.subarray(0, 9) };
  await assertRefused(t, () => engineOf().attention({ ...others, bias, out: x }), {
    code: 'INVALID_OPTION',
    what: '`out`',
  });
  assertSameBytes(t, x.data, before);
});

test('a refused call leaves the engine ready for the next one', async (t) => {
  await assertRefused(t, () => engineOf().attention({ ...inputs, scale: NaN }), { code: 'INVALID_OPTION' });
  const { output } = await engineOf().attention(inputs);
  t.deepEqual(output.shape, [2, 4, 3, 6]);
  t.is(engineOf().stats().calls.open, 0);
});
