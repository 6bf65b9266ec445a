// Axes from d3's scales: where a value lies, and which of them get a tick. A logarithm never sees 0, a negative number or
// one that isn't finite: those values aren't plotted.
import { extent, max } from 'd3-array';
import { scaleLinear, scaleLog } from 'd3-scale';

export interface Axis {
  /** Where a value lies, in the chart's own unit. */
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
  readonly domain: readonly [number, number];
}

export type Range = readonly [from: number, to: number];

/** Whether a logarithmic axis has a place for the value. */
export function isPositive(value: number): boolean {
  return Number.isFinite(value) && value > 0;
}

// Nearly constant values shall look constant.
const leastRatio = 5;

/** Ticks at 1, 2 and 5 times powers of ten; at more of d3's where these are too few, at powers alone where too many. */
export function logAxis(values: readonly number[], range: Range, mostTicks = 10): Axis {
  const domain = widen(positiveExtent(values), 1.2, leastRatio);
  const scale = scaleLog(domain, range);
  const all = scale.ticks(6);
  const select = (mantissas: string): number[] =>
    all.filter((tick) => mantissas.includes(tick.toExponential().charAt(0)));
  const choices = ['125', '12357', '123456789'].map(select);
  const enough = choices.find(({ length }) => length >= 4) ?? choices.at(-1)!;
  return axisOf(scale, enough.length > mostTicks ? select('1') : enough, domain);
}

/** Ticks at powers of two. */
export function powerAxis(values: readonly number[], range: Range, padding = 1.2): Axis {
  const domain = widen(positiveExtent(values), padding, 2);
  const scale = scaleLog(domain, range).base(2);
  return axisOf(scale, scale.ticks(Math.floor(Math.log2(domain[1] / domain[0])) + 1), domain);
}

/** From 0, or the least value if that is less, to a round number. */
export function linearAxis(values: readonly number[], range: Range, count = 5): Axis {
  const [least, largest] = extent([0, ...values.filter(Number.isFinite)]) as [number, number];
  const scale = scaleLinear([least, largest || 1], range).nice(count);
  const [low, high] = scale.domain();
  return axisOf(scale, scale.ticks(count), [low!, high!]);
}

const leastOfLogarithm = 16;

/** For workers and speed-ups up to `most`: powers of two if that is many, else from 0. */
export function workersAxis(values: readonly number[], most: number, range: Range): Axis {
  return most >= leastOfLogarithm
    ? powerAxis(values, range, 1.12)
    : linearAxis(values, range, Math.ceil(most));
}

// Ratios that hardly differ from 1 shall look so.
const leastFactor = 1.1;

/** For ratios: as far below 1 as above it, and as many times. */
export function ratioAxis(ratios: readonly number[], range: Range): Axis {
  const factors = ratios.filter(isPositive).map((ratio) => Math.max(ratio, 1 / ratio));
  const factor = 1.02 * (max([leastFactor, ...factors]) ?? leastFactor);
  const domain: [number, number] = [1 / factor, factor];
  const ticks = factor > 3 ? scaleLog(domain, range).base(2).ticks(6) : scaleLinear(domain, range).ticks(6);
  return axisOf(scaleLog(domain, range), ticks, domain);
}

/** From 0 to a little more than the largest share. */
export function shareAxis(shares: readonly number[], range: Range): Axis {
  const domain: [number, number] = [0, 1.05 * (max(shares) ?? 0)];
  const scale = scaleLinear(domain, range);
  return axisOf(scale, scale.ticks(5), domain);
}

function axisOf(at: (value: number) => number, ticks: readonly number[], domain: [number, number]): Axis {
  return { at: (value) => at(value), ticks, domain };
}

function positiveExtent(values: readonly number[]): [number, number] {
  const [low, high] = extent(values.filter(isPositive));
  return low === undefined ? [1, 10] : [low, high];
}

function widen([low, high]: [number, number], padding: number, ratio: number): [number, number] {
  const growth = Math.max(padding ** 2, ratio / (high / low));
  return [low / Math.sqrt(growth), high * Math.sqrt(growth)];
}
