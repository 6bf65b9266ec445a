// SharedArrayBuffer objects on one memory, and the calls that would write what they read through two of them.
import test from 'ava';
import { isSameMemory } from '../../src/engine/same-memory.js';
import type { Engine, Tensor } from '../../src/index.js';
import { assertRefused, assertSameBytes } from '../helpers/assertions.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import { normalTensor } from '../helpers/random.js';

const engineOf = openEngines(1);

/** Bytes that tell if one of them is written. */
function memoryOf(byteLength: number): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(byteLength);
  new Uint8Array(buffer).forEach((_, n, bytes) => (bytes[n] = 7 * n));
  return buffer;
}

test('a structured clone is the same memory, at every place, and nothing is written to tell', (t) => {
  const memory = memoryOf(64);
  const before = new Uint8Array(memory).slice();
  for (let place = 0; place < 64; place += 4) {
    t.true(isSameMemory(memory, structuredClone(memory), place));
    t.true(isSameMemory(structuredClone(memory), memory, place));
  }
  t.deepEqual(new Uint8Array(memory), before);
});

test('equal bytes on another memory are not the same', (t) => {
  const [one, other] = [memoryOf(64), memoryOf(64)];
  t.false(isSameMemory(one, other, 8));
  t.false(isSameMemory(other, one, 8));
  // Asked again, the answer is remembered.
  t.false(isSameMemory(one, other, 8));
  t.false(isSameMemory(one, memoryOf(65), 8));
  t.false(isSameMemory(one, new ArrayBuffer(64), 8));
});

test('a clone is known by a second object too', (t) => {
  const memory = memoryOf(16);
  t.true(isSameMemory(structuredClone(memory), structuredClone(memory), 0));
});

test('the last odd bytes of a buffer cannot be looked at', (t) => {
  const memory = memoryOf(35);
  t.true(isSameMemory(memory, structuredClone(memory), 28));
  t.false(isSameMemory(memory, memoryOf(35), 32));
});

test('the memory of WebAssembly is the same before and after it grows', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
  const before = memory.buffer;
  memory.grow(2);
  t.not(memory.buffer, before);
  t.true(isSameMemory(before, memory.buffer, 128));
  t.false(isSameMemory(before, new WebAssembly.Memory({ initial: 3, maximum: 4, shared: true }).buffer, 128));
});

test('a buffer that grows is the same as its clone', (t) => {
  const buffer = new SharedArrayBuffer(16, { maxByteLength: 64 });
  const clone = structuredClone(buffer);
  buffer.grow(48);
  t.true(isSameMemory(buffer, clone, 8));
  t.false(isSameMemory(buffer, new SharedArrayBuffer(16, { maxByteLength: 64 }), 8));
});

test('somebody who waits there already changes no answer', (t) => {
  for (const isSame of [true, false]) {
    const memory = memoryOf(64);
    const other = isSame ? structuredClone(memory) : memoryOf(64);
    for (const buffer of [memory, other]) {
      const place = new Int32Array(buffer, 16, 1);
      t.true(Atomics.waitAsync(place, 0, place[0]!).async);
    }
    t.is(isSameMemory(memory, other, 16), isSame);
  }
});

/** The same numbers through another object. */
function cloneOf({ shape, data }: Tensor): Tensor {
  return { shape, data: structuredClone(data) };
}

const shape = [1, 2, 3, 4];
const operands = () => ({ q: normalTensor(shape, 1), k: normalTensor(shape, 2), v: normalTensor(shape, 3) });

/** How many buffers are looked into by `action`. */
async function looksOf(action: () => Promise<unknown>): Promise<number> {
  const original = Atomics.waitAsync;
  let looks = 0;
  Atomics.waitAsync = ((array: Int32Array, ...rest: [number, number]) => {
    // Others wait in longer arrays.
    if (array.length === 1) looks++;
    return original(array as Int32Array<SharedArrayBuffer>, ...rest);
  }) as typeof Atomics.waitAsync;
  try {
    await action();
  } finally {
    Atomics.waitAsync = original;
  }
  return looks;
}

test.serial('calls without an out look into no buffer', async (t) => {
  const engine = engineOf('reference');
  const inputs = operands();
  const looks = await looksOf(() =>
    Promise.all([engine.attention(inputs), engine.attention({ ...inputs, q: cloneOf(inputs.q) })]),
  );
  t.is(looks, 0);
});

test.serial('calls with an out look into each other buffer of its size once', async (t) => {
  const engine = engineOf('reference');
  const inputs = operands();
  const out = engine.tensor(shape);
  t.is(await looksOf(() => engine.attention({ ...inputs, out })), 3);
  t.is(await looksOf(() => engine.attention({ ...inputs, out })), 0);
  const longer = { ...inputs, k: normalTensor([1, 2, 5, 4], 2), v: normalTensor([1, 2, 5, 4], 3) };
  t.is(await looksOf(() => engine.attention({ ...longer, out })), 0);
});

testKernels(
  engineOf,
  'an out that clones an input is refused, and the input keeps its numbers',
  async (t, engine) => {
    for (const name of ['q', 'k', 'v'] as const) {
      const inputs = operands();
      const before = inputs[name].data.slice();
      await assertRefused(t, () => engine.attention({ ...inputs, out: cloneOf(inputs[name]) }), {
        code: 'INVALID_OPTION',
        what: 'memory of its own for `out`',
      });
      assertSameBytes(t, inputs[name].data, before, name);
    }
  },
);

test('an out that clones a bias or a mask is refused', async (t) => {
  const out = normalTensor(shape, 4);
  const { data } = cloneOf(out);
  for (const change of [
    { bias: { shape: [3, 3], data: data.subarray(3, 12) } },
    { mask: { shape: [3, 3], data: new Uint8Array(data.buffer, 5, 9) } },
  ]) {
    await assertRefused(t, () => engineOf('reference').attention({ ...operands(), ...change, out }), {
      code: 'INVALID_OPTION',
      what: '`out`',
    });
  }
});

test('an out beside an input in one memory is taken, through whatever object', async (t) => {
  const engine = engineOf('reference');
  const { q, k, v } = operands();
  const wanted = (await engine.attention({ q, k, v })).output;
  const memory = new SharedArrayBuffer(2 * 24 * 4);
  new Float32Array(memory).set(q.data);
  const out = { shape, data: new Float32Array(structuredClone(memory), 96, 24) };
  await engine.attention({ q: { shape, data: new Float32Array(memory, 0, 24) }, k, v, out });
  assertSameBytes(t, out.data, wanted.data);
});

/** A call that is under way until a later one has been refused or not. */
function openCall(engine: Engine, out: Tensor, x = normalTensor(out.shape, 5)) {
  return { x, done: engine.attention({ q: x, k: x, v: x, out }) };
}

test('a clone of what an open call writes can be neither read nor written', async (t) => {
  const engine = engineOf('reference');
  const out = engine.tensor([1, 2, 200, 4]);
  const { done } = openCall(engine, out);
  const clone = cloneOf(out);
  const other = normalTensor(out.shape, 6);
  for (const given of [
    { q: clone, k: other, v: other },
    { q: other, k: other, v: other, out: clone },
  ]) {
    await assertRefused(t, () => engine.attention(given), { code: 'BUFFER_IN_USE' });
  }
  await done;
  await engine.attention({ q: other, k: other, v: other, out: clone });
});

test('a clone of what an open call reads can be read, but not written', async (t) => {
  const engine = engineOf('reference');
  const { x, done } = openCall(engine, engine.tensor([1, 2, 200, 4]));
  const clone = cloneOf(x);
  const other = normalTensor(x.shape, 6);
  await assertRefused(t, () => engine.attention({ q: other, k: other, v: other, out: clone }), {
    code: 'BUFFER_IN_USE',
  });
  await engine.attention({ q: clone, k: clone, v: clone });
  await done;
});
