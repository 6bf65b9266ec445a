// Our shaders against the plain kernels of the same device, and against the processor, in pairs by turns.
import type { Engine, TensorLike } from '../../../src/index.js';
import { checkClose, relativeError } from '../../../src/measure/cases/check.js';
import { normalTensor } from '../../../src/measure/cases/inputs.js';
import { meanUse } from '../../../src/measure/grid/device-use.js';
import { comparePairs, time, type Contestant, type PairResult } from '../../../src/measure/pairs.js';
import { calibratePeak } from '../../../src/measure/peak.js';
import { median } from '../../../src/measure/statistics.js';
import { checkRows, layerFlop, type LayerCase } from '../layer.js';
import { nameOf } from '../peers/cases.js';
import { drawInputs } from '../peers/contest.js';
import type { CallUse, Row } from './row.js';

export interface Sides {
  readonly ours: Engine;
  readonly theirs: Engine;
  readonly seconds: number;
}

export type ProductSize = Parameters<Engine['openProductMeter']>[0];
export type AttentionSize = Parameters<Engine['openAttentionMeter']>[0];

const peakMs = 20;

/** A product whose operands are on the device already. */
export async function contestProduct(sides: Sides, size: ProductSize): Promise<Row> {
  using ours = await sides.ours.openProductMeter(size);
  using theirs = await sides.theirs.openProductMeter(size);
  const flop = 2 * size.rows * size.depth * size.columns;
  return await contest(sides, {
    case: 'product',
    flop,
    ours: () => ours.measure(),
    theirs: () => theirs.measure(),
  });
}

/** Attention whose operands are on the device already; on other ones both kernels are compared first. */
export async function contestAttention(sides: Sides, size: AttentionSize): Promise<Row> {
  const { heads, tokens, headDim } = size;
  const [q, k, v] = [1, 2, 3].map((seed) => normalTensor([1, heads, tokens, headDim], seed));
  const inputs = { q: q!, k: k!, v: v! };
  const wanted = (await sides.theirs.attention(inputs)).output;
  checkAlike((await sides.ours.attention(inputs)).output, wanted, sides);
  using ours = await sides.ours.openAttentionMeter(size);
  using theirs = await sides.theirs.openAttentionMeter(size);
  const flop = 4 * heads * tokens ** 2 * headDim;
  return await contest(sides, {
    case: 'attention',
    flop,
    ours: () => ours.measure(),
    theirs: () => theirs.measure(),
  });
}

/** A whole layer, from the host's memory and back. @throws RangeError if an output is wrong */
export async function contestLayer(sides: Sides, shape: LayerCase): Promise<Row> {
  const { weights, x } = drawInputs(shape);
  const { heads, causal = false } = shape;
  using ours = await sides.ours.multiHeadAttention({ heads, weights, causal });
  using theirs = await sides.theirs.multiHeadAttention({ heads, weights, causal });
  const { output } = await ours.forward(x);
  checkRows('Our output', { x, y: output, weights, heads, causal });
  checkAlike(output, (await theirs.forward(x)).output, sides);
  const row = await contest(sides, {
    case: nameOf(shape),
    flop: layerFlop(shape),
    ours: () => ours.forward(x),
    theirs: () => theirs.forward(x),
  });
  return { ...row, use: await measureUse(sides.ours, () => ours.forward(x)) };
}

function checkAlike(ours: TensorLike, theirs: TensorLike, sides: Sides): void {
  const { kernel } = sides.theirs.info;
  checkClose(`Our output against that of ${kernel}`, relativeError(theirs.data, ours.data));
}

interface Contested extends Pick<Row, 'case' | 'flop'> {
  readonly ours: Contestant;
  readonly theirs: Contestant;
}

async function contest({ ours, theirs, seconds }: Sides, contested: Contested): Promise<Row> {
  const peak = await calibratePeak(ours, peakMs);
  const peaks: number[] = [];
  const pairs: PairResult = await comparePairs({
    ...contested,
    seconds,
    leastPairs: 3,
    between: async () => {
      peaks.push(await peak());
    },
  });
  const { flop } = contested;
  const peakShare = (flop / pairs.ours.median) * (1e3 / median(peaks));
  return { case: contested.case, against: theirs.info.kernel, flop, pairs, peakShare, use: null };
}

const usedCalls = 20;

async function measureUse(engine: Engine, call: Contestant): Promise<CallUse> {
  engine.restartPeak();
  const uses: CallUse[] = [];
  while (uses.length < usedCalls) {
    const before = engine.stats();
    const ms = await time(call);
    const after = engine.stats();
    const device = meanUse(
      { calls: before.calls.completed, device: before.device! },
      { calls: after.calls.completed, device: after.device! },
    ).device!;
    const outsideMs = ms - device.uploadMs - device.computeMs - device.readBackMs;
    const submissions = after.device!.submissions - before.device!.submissions;
    uses.push({ ...device, outsideMs, submissions });
  }
  const medianOf = (name: keyof CallUse): number => median(uses.map((use) => use[name]));
  return {
    uploadMs: medianOf('uploadMs'),
    computeMs: medianOf('computeMs'),
    readBackMs: medianOf('readBackMs'),
    outsideMs: Math.min(...uses.map(({ outsideMs }) => outsideMs)),
    submissions: Math.max(...uses.map(({ submissions }) => submissions)),
    bufferBytes: Math.max(...uses.map(({ bufferBytes }) => bufferBytes)),
  };
}
