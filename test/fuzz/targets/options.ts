// The options of calls: plausible ones and hostile ones, of any type, in any combination, on a small call of each kind.
import {
  createEngine,
  createXavierWeights,
  HeadpoolError,
  type Engine,
  type MultiHeadAttention,
} from '../../../src/index.js';
import { createDraw, type Draw } from '../draw.js';
import type { FuzzTarget } from '../target.js';

const floats = (...shape: number[]) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((count, length) => count * length, 1) }, (_, n) =>
    Math.sin(n),
  ),
});

const ofTheHost = new Error('a getter of the host that throws');

class Odd {
  get shape(): never {
    throw ofTheHost;
  }
}

const oddValues: readonly (() => unknown)[] = [
  ...[undefined, null, true, false, 0, 1, -1, 2, 3, 1.5, NaN, Infinity, -Infinity, 2 ** 31, 2 ** 53, 1e308].map((value) => () => value),
  ...['', 'causal', 'top-left', 'bottom-right', '__proto__', 1n, Symbol('s')].map((value) => () => value),
  ...[() => [], () => [0], () => [1, 2], () => [-1, 1], () => [0, 0, 0], () => [NaN], () => ['a'], () => new Array<number>(5), () => [[1]]],
  ...[() => ({}), () => Object.create(null) as unknown, () => new Odd(), () => () => 1, () => new Map(), () => new Date(NaN)],
  ...[() => floats(4), () => floats(3, 3), () => floats(1, 2, 3, 3), () => floats(2, 1, 3), () => floats(0), () => ({ shape: [3, 3], data: new Uint8Array(9) })],
  ...[() => ({ shape: [3, -3], data: new Float32Array(9) }), () => ({ shape: [2 ** 40, 2 ** 40], data: new Float32Array(1) }), () => ({ shape: [9], data: [] })],
  ...[() => new Float32Array(9), () => new Float64Array(2), () => Int32Array.of(0, 1), () => new Uint8Array(new SharedArrayBuffer(9)), () => detached()],
  ...[() => ({ q: [1, 1, 1], k: [1, 1, 1] }), () => ({ positions: [0, 1, 2] }), () => ({ base: 0 }), () => AbortSignal.abort(ofTheHost), () => new Proxy([1, 2], {})],
]; // prettier-ignore

function detached(): Float32Array {
  const array = new Float32Array(9);
  structuredClone(array, { transfer: [array.buffer] });
  return array;
}

const names = [
  'mask', 'bias', 'causal', 'window', 'scale', 'softcap', 'alibi', 'alibiSlopes', 'sinks', 'headScale', 'alignment', 'rope', 'qkNorm',
  'keyLengths', 'lengths', 'offsets', 'keyOffsets', 'returnWeights', 'returnScores', 'returnLogSumExp', 'headStatistics', 'cache', 'out',
  'signal', 'timeoutMs', 'priority', 'heads', 'kvHeads', 'dtype', 'unknown', 'q', 'k', 'v',
] as const; // prettier-ignore

/** Values that are right in one kind of call at least. */
const plausible: Readonly<Record<string, () => unknown>> = {
  mask: () => ({ shape: [3, 4], data: new Uint8Array(12).fill(1) }),
  bias: () => floats(1, 2, 3, 4),
  causal: () => true,
  window: () => ({ left: 1, right: 1 }),
  scale: () => 0.5,
  softcap: () => 5,
  alibi: () => true,
  alibiSlopes: () => [0.5, 0.25],
  sinks: () => [0, 1],
  headScale: () => [1, 0],
  alignment: () => 'top-left',
  rope: () => ({ dims: 2 }),
  keyLengths: () => [2],
  returnWeights: () => true,
  returnScores: () => 'scaled',
  returnLogSumExp: () => true,
  headStatistics: () => true,
  timeoutMs: () => 10_000,
  priority: () => 'batch',
};

function optionsFrom(draw: Draw): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (let count = 1 + draw.below(3); count > 0; count--) {
    const name = draw.pick(names);
    const right = draw.isLucky(0.6) ? plausible[name] : undefined;
    options[name] = (right ?? draw.pick(oddValues))();
  }
  return options;
}

interface Opened {
  readonly engine: Engine;
  readonly layer: MultiHeadAttention;
}

let opened: Promise<Opened> | undefined;

async function open(): Promise<Opened> {
  const engine = await createEngine({ threads: 1, kernel: 'reference' });
  return {
    engine,
    layer: await engine.multiHeadAttention({
      heads: 2,
      weights: createXavierWeights({ modelDim: 6, heads: 2 }),
    }),
  };
}

export const options: FuzzTarget = {
  createSeeds: () => Promise.resolve([Buffer.from([1, 2, 3, 4])]),
  damage: (_, draw) => Uint8Array.from({ length: 4 }, () => draw.below(256)),
  async take(bytes) {
    const { engine, layer } = await (opened ??= open());
    const draw = createDraw(Buffer.from(bytes).readUInt32LE(0));
    const given = optionsFrom(draw);
    const operands = { q: floats(1, 2, 3, 4), k: floats(1, 2, 4, 4), v: floats(1, 2, 4, 4) };
    try {
      if (draw.isLucky(0.5)) await engine.attention({ ...operands, ...given });
      else await layer.forward(floats(1, 3, 6), given);
      return 0;
    } catch (error) {
      throw error === ofTheHost ? new HeadpoolError('INVALID_OPTION', ofTheHost.message) : error;
    }
  },
};
