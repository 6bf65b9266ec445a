// Wrong tensors for engine.attention, alone and beside each other: the code, and a message that names the tensor.
import test from 'ava';
import type { AttentionInputs } from '../../src/index.js';
import { assertRefused } from '../helpers/assertions.js';
import { normalTensor } from '../helpers/random.js';
import { inputs, openEngine, refuserOf } from '../helpers/refusals.js';

const engineOf = openEngine();
const refuse = refuserOf(engineOf, inputs);

for (const name of ['q', 'k', 'v']) {
  const of = (value: unknown) => ({ [name]: value });
  refuse(`no ${name} is refused`, of(undefined), 'INVALID_SHAPE', `\`${name}\``, 'nothing');
  refuse(`a ${name} of null is refused`, of(null), 'INVALID_SHAPE', `\`${name}\``, '`null`');
  refuse(`a ${name} that is an array is refused`, of([1]), 'INVALID_SHAPE', `\`${name}\``);
  const doubles = { shape: [2], data: new Float64Array(2) };
  refuse(`a ${name} of doubles is refused`, of(doubles), 'INVALID_SHAPE', `\`${name}.data\``, 'Float64Array');
  const short = { shape: [2, 2], data: new Float32Array(3) };
  refuse(
    `a ${name} shorter than its shape is refused`,
    of(short),
    'INVALID_SHAPE',
    `\`${name}.data.length\``,
    '[2, 2]',
    '3',
  );
  const shapeless = { data: new Float32Array(3) };
  refuse(
    `a ${name} without shape is refused`,
    of(shapeless),
    'INVALID_SHAPE',
    `\`${name}.shape\``,
    'nothing',
  );
  for (const shape of [[-1, 3], [1.5, 2], ['3'], 3]) {
    const odd = { shape, data: new Float32Array(3) };
    const title = `a ${name} of shape ${JSON.stringify(shape)} is refused`;
    refuse(title, of(odd), 'INVALID_SHAPE', `\`${name}.shape\``);
  }
  const bits = { shape: [2], data: new Uint16Array(2) };
  refuse(
    `a ${name} of 16 bits without dtype is refused`,
    of(bits),
    'INVALID_SHAPE',
    `\`${name}.dtype\``,
    "'f16'",
  );
  const mixed = { shape: [2], data: new Float32Array(2), dtype: 'f16' };
  refuse(
    `a ${name} of floats that says f16 is refused`,
    of(mixed),
    'INVALID_SHAPE',
    `\`${name}.dtype\``,
    '"f16"',
  );
  const unknown = { shape: [2], data: new Uint16Array(2), dtype: 'i8' };
  refuse(
    `a ${name} of an unknown dtype is refused`,
    of(unknown),
    'INVALID_SHAPE',
    `\`${name}.dtype\``,
    '"i8"',
  );
}

test('a detached buffer is refused', async (t) => {
  const data = new Float32Array(2 * 4 * 3 * 5);
  structuredClone(data.buffer, { transfer: [data.buffer] });
  const given = { ...inputs, q: { shape: [2, 4, 3, 5], data } };
  await assertRefused(t, () => engineOf().attention(given), {
    code: 'INVALID_SHAPE',
    what: ['`q.data.length`', '0'],
  });
});

test('no arguments at all are refused', async (t) => {
  for (const nothing of [undefined, null, 5] as unknown as AttentionInputs[]) {
    await assertRefused(t, () => engineOf().attention(nothing), {
      code: 'INVALID_OPTION',
      what: 'an object',
    });
  }
});

const vector = normalTensor([5], 1);
refuse('a q of rank 1 is refused', { q: vector }, 'INVALID_SHAPE', '`q`', '[5]');
refuse('a q of rank 5 is refused', { q: normalTensor([1, 1, 1, 1, 5], 1) }, 'INVALID_SHAPE', '`q`');
refuse('a k of another rank is refused', { k: normalTensor([7, 10], 1) }, 'INVALID_SHAPE', '`k`', 'rank 4');
refuse('a v of another rank is refused', { v: normalTensor([7, 10], 1) }, 'INVALID_SHAPE', '`v`', 'rank 4');
refuse(
  'a k of another headDim is refused',
  { k: normalTensor([2, 2, 7, 4], 1) },
  'INVALID_SHAPE',
  '`k`',
  'headDim 5',
);
refuse(
  'a v of other heads is refused',
  { v: normalTensor([2, 4, 7, 6], 1) },
  'INVALID_SHAPE',
  '`v`',
  '2 heads',
);
refuse(
  'a v of other tokens is refused',
  { v: normalTensor([2, 2, 8, 6], 1) },
  'INVALID_SHAPE',
  '`v`',
  '7 tokens',
);
refuse(
  'a k of another batch is refused',
  { k: normalTensor([3, 2, 7, 5], 1) },
  'INVALID_SHAPE',
  '`k`',
  'batch 2',
);
refuse(
  'a v of another batch is refused',
  { v: normalTensor([3, 2, 7, 6], 1) },
  'INVALID_SHAPE',
  '`v`',
  'batch 2',
);
refuse('heads without a number are refused', { q: normalTensor([2, 4, 3, 0], 1) }, 'INVALID_SHAPE', '`q`');
refuse('tensors without heads are refused', { k: normalTensor([2, 0, 7, 5], 1) }, 'INVALID_SHAPE', '`k`');
