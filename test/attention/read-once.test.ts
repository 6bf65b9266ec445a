// Options, inputs, shapes and lists that answer differently when they are read again, or throw as they are read: what is
// checked is what is used, and an error is the host's own.
import test, { type ExecutionContext } from 'ava';
import {
  createEngine,
  createXavierWeights,
  type AttentionInputs,
  type AttentionOptions,
  type TensorLike,
} from '../../src/index.js';
import { assertRefused, assertSameBytes } from '../helpers/assertions.js';
import { readsOf, throwingAt } from '../helpers/hostile.js';
import { normalTensor } from '../helpers/random.js';
import { openEngine } from '../helpers/refusals.js';

const engineOf = openEngine();

/** Numbers in private memory, with a shape that is a plain list. */
function privateTensor(shape: number[], seed: number): TensorLike {
  return { shape, data: Float32Array.from(normalTensor(shape, seed).data) };
}

const allow = (count: number) => Array.from({ length: count }, (_, n) => n % 3 !== 1);

/** Every option that a dense batch can have, with every list in it. */
const everything = (): AttentionInputs => ({
  q: privateTensor([2, 4, 3, 6], 1),
  k: privateTensor([2, 2, 3, 6], 2),
  v: privateTensor([2, 2, 3, 5], 3),
  heads: 4,
  kvHeads: 2,
  causal: true,
  alignment: 'top-left',
  mask: { shape: [3, 3], data: allow(9) },
  bias: privateTensor([1, 3], 4),
  keyLengths: [3, 2],
  scale: 0.5,
  softcap: 9,
  window: { left: 2, right: 1 },
  alibiSlopes: [0.5, 0.25, 0.125, 0],
  sinks: [0, 1, -1, 2],
  headScale: [1, 2, 0.5, 1],
  rope: { base: 100, dims: 4, interleaved: true, positions: [2, 0, 1] },
  qkNorm: { q: [1, 1, 1, 1, 1, 2], k: [1, 2, 1, 1, 1, 1], epsilon: 1e-5 },
  returnWeights: true,
  returnScores: 'scaled',
  returnLogSumExp: true,
  headStatistics: true,
  out: { shape: [2, 4, 3, 5], data: normalTensor([2, 4, 3, 5], 5).data },
});

const ragged = (): AttentionInputs => ({
  q: privateTensor([5, 8], 1),
  k: privateTensor([6, 8], 2),
  v: privateTensor([6, 8], 3),
  heads: 2,
  offsets: [0, 2, 5],
  keyOffsets: [0, 1, 6],
});

const weights = () => {
  const { query, key, value, output } = createXavierWeights({ modelDim: 8, heads: 2, seed: 1 });
  const listed = ({ weight, bias }: typeof query) => ({
    weight: { shape: [...weight.shape], data: weight.data },
    bias: { shape: [...bias!.shape], data: bias!.data },
  });
  return {
    query: listed(query),
    key: listed(key),
    value: listed(value),
    output: listed(output),
    biasKey: privateTensor([8], 2),
    biasValue: privateTensor([8], 3),
    addZeroAttention: true,
  };
};

const layer = () => ({ heads: 2, kvHeads: 2, weights: weights(), window: { left: 3 }, sinks: [0, 1] });

/** What a host hands in somewhere, and what is done with it. */
const uses: Readonly<
  Record<string, readonly [target: () => object, use: (given: never) => Promise<unknown>]>
> = {
  'engine.attention': [everything, (given: AttentionInputs) => engineOf().attention(given)],
  'engine.attention of a ragged batch': [ragged, (given: AttentionInputs) => engineOf().attention(given)],
  createEngine: [
    () => ({
      threads: 1,
      kernel: 'reference',
      device: 'cpu',
      memoryLimitBytes: 1e8,
      maxQueue: 4,
      logger: { warn: () => undefined },
    }),
    async (given: object) => (await createEngine(given)).close(),
  ],
  'engine.tensor': [
    () => ({ shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }),
    async ({ shape, data }: { shape: number[]; data: number[] }) =>
      Promise.resolve(engineOf().tensor(shape, data)),
  ],
  'engine.multiHeadAttention': [
    layer,
    async (given: ReturnType<typeof layer>) => {
      (await engineOf().multiHeadAttention(given)).dispose();
    },
  ],
  'layer.forward': [
    () => ({
      input: {
        query: privateTensor([3, 8], 1),
        key: privateTensor([4, 8], 2),
        value: privateTensor([4, 8], 3),
      },
      options: { causal: 'top-left', mask: { shape: [3, 4], data: allow(12) } },
    }),
    async ({
      input,
      options,
    }: {
      input: { query: TensorLike; key: TensorLike };
      options: AttentionOptions;
    }) => {
      using own = await engineOf().multiHeadAttention({ heads: 2, weights: weights() });
      await own.forward(input, options);
    },
  ],
};

for (const [name, [target, use]] of Object.entries(uses)) {
  test(`${name} reads each thing that it is given once`, async (t) => {
    const reads = await readsOf(target(), use as (given: object) => unknown);
    t.true(reads.size > 3, 'it reads something');
    t.deepEqual(
      [...reads].filter(([, count]) => count > 1),
      [],
    );
  });

  test(`${name} rejects with the error of what throws as it is read`, async (t) => {
    const reads = await readsOf(target(), use as (given: object) => unknown);
    for (const path of reads.keys()) {
      const error = new Error(`on purpose at ${path}`);
      const given = throwingAt(target(), path, error);
      await t.throwsAsync(async () => use(given as never), { is: error }, path);
    }
    await assertUsable(t);
  });
}

async function assertUsable(t: ExecutionContext): Promise<void> {
  const { q, k, v } = everything();
  const { output } = await engineOf().attention({ q, k, v });
  t.deepEqual(output.shape, [2, 4, 3, 5]);
}

const plain = () => ({
  q: normalTensor([1, 2, 3, 4], 1),
  k: normalTensor([1, 2, 3, 4], 2),
  v: normalTensor([1, 2, 3, 4], 3),
});

/** That a call with another `q`, with the same numbers, has the same result. */
async function assertTaken(t: ExecutionContext, q: unknown): Promise<void> {
  const wanted = (await engineOf().attention(plain())).output;
  const { output } = await engineOf().attention({ ...plain(), q: q as TensorLike });
  assertSameBytes(t, output.data, wanted.data);
}

test('a data getter that gives another array each time counts once', async (t) => {
  const { shape, data } = plain().q;
  const given = [data, new Float32Array(24), new Float32Array(3)];
  await assertTaken(t, {
    shape,
    get data() {
      return given.shift()!;
    },
  });
  t.is(given.length, 2);
});

test('a shape that changes between reads counts once', async (t) => {
  const { data } = plain().q;
  let reads = 0;
  const shape = new Proxy([1, 2, 3, 4], {
    get: (target, key, receiver): unknown =>
      key === '3' && reads++ > 0 ? 400 : Reflect.get(target, key, receiver),
  });
  await assertTaken(t, { shape, data });
});

test('what stands in front of the memory of an array is not believed', async (t) => {
  const { shape, data } = plain().q;
  const liar = new Float32Array(data.buffer);
  Object.defineProperties(liar, {
    length: { value: 1 },
    byteLength: { value: 4e9 },
    byteOffset: { value: 64 },
    buffer: { value: new SharedArrayBuffer(4) },
  });
  await assertTaken(t, { shape, data: liar });
  class Subclass extends Float32Array<SharedArrayBuffer> {
    override get length(): number {
      return 24;
    }
    override get byteLength(): number {
      return 4e9;
    }
  }
  await assertTaken(t, { shape, data: new Subclass(data.buffer) });
  const short = new Subclass(new SharedArrayBuffer(4));
  await assertRefused(t, () => engineOf().attention({ ...plain(), q: { shape, data: short } }), {
    code: 'INVALID_SHAPE',
    what: '`q.data.length`',
  });
});

test('a proxy of an array is refused', async (t) => {
  const { shape, data } = plain().q;
  const handlers: ProxyHandler<typeof data>[] = [{}, { get: (_, key) => (key === 'length' ? 24 : 0) }];
  for (const handler of handlers) {
    const q = { shape, data: new Proxy(data, handler) };
    await assertRefused(t, () => engineOf().attention({ ...plain(), q }), {
      code: 'INVALID_SHAPE',
      what: '`q.data`',
    });
  }
  const out = { shape, data: new Proxy(data, {}) };
  await assertRefused(t, () => engineOf().attention({ ...plain(), out }), {
    code: 'INVALID_SHAPE',
    what: '`out.data`',
  });
});

interface Resizable extends ArrayBuffer {
  resize(byteLength: number): void;
}

/** The numbers of `data` in a buffer with room for more. */
function resizableOf(data: Float32Array): Resizable {
  const Constructor = ArrayBuffer as unknown as new (bytes: number, options: object) => Resizable;
  const buffer = new Constructor(data.byteLength, { maxByteLength: 2 * data.byteLength });
  new Float32Array(buffer).set(data);
  return buffer;
}

test('an array of a buffer that may be resized is taken with the length that it has', async (t) => {
  const { shape, data } = plain().q;
  await assertTaken(t, { shape, data: new Float32Array(resizableOf(data)) });
  const shrunk = resizableOf(data);
  const view = new Float32Array(shrunk);
  shrunk.resize(40);
  await assertRefused(t, () => engineOf().attention({ ...plain(), q: { shape, data: view } }), {
    code: 'INVALID_SHAPE',
    what: ['24 elements', '`q.data.length`', '`10`'],
  });
});

for (const [what, change] of [
  [
    'shrunk',
    (buffer: Resizable) => {
      buffer.resize(0);
    },
  ],
  ['detached', (buffer: Resizable) => structuredClone(buffer, { transfer: [buffer] })],
] as const) {
  test(`a buffer that is ${what} while its tensor is read is refused`, async (t) => {
    const { data } = plain().q;
    const buffer = resizableOf(data);
    const shape = new Proxy([1, 2, 3, 4], {
      get: (target, key, receiver): unknown => {
        if (key === '3') change(buffer);
        return Reflect.get(target, key, receiver);
      },
    });
    await assertRefused(
      t,
      () => engineOf().attention({ ...plain(), q: { shape, data: new Float32Array(buffer) } }),
      {
        code: 'INVALID_SHAPE',
        what: ['`q.data.length`', '`0`'],
      },
    );
  });
}

test('shared memory that may grow is read and written in place', async (t) => {
  const wanted = (await engineOf().attention(plain())).output.data;
  const { shape, data } = plain().q;
  const memory = (bytes: number) => new SharedArrayBuffer(bytes, { maxByteLength: 4 * bytes });
  const q = { shape, data: new Float32Array(memory(96)) };
  q.data.set(data);
  const out = { shape, data: new Float32Array(memory(96)) };
  const call = engineOf().attention({ ...plain(), q, out });
  out.data.buffer.grow(200);
  const { output } = await call;
  assertSameBytes(t, output.data, wanted);
  assertSameBytes(t, out.data.subarray(0, 24), wanted);
});

test('options of a class count, its getters and what it inherits among them', async (t) => {
  class Options {
    get causal(): boolean {
      return true;
    }
  }
  const wanted = (await engineOf().attention({ ...plain(), causal: true })).output.data;
  const given = Object.assign(new Options(), plain());
  assertSameBytes(t, (await engineOf().attention(given)).output.data, wanted);
  using own = await engineOf().multiHeadAttention({ heads: 2, weights: weights() });
  const x = privateTensor([3, 8], 1);
  const causal = (await own.forward(x, { causal: true })).output.data;
  assertSameBytes(t, (await own.forward(x, new Options())).output.data, causal);
});
