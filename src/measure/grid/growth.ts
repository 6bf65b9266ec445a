// How cost grows along an axis of a grid: power laws through cells that are alike but for that axis. Pure.
import { largestOf, leastOf } from '../../core/lists.js';
import { findCrossover, fitLine, fitPowerLaw, type Point, type PowerLaw } from '../fit.js';
import { attentionFlop, flopOf, projectionFlop } from '../cases/work.js';
import { partsOf } from './cells.js';
import {
  nameOfCase,
  type BenchCase,
  type Cell,
  type Crossover,
  type GridLaws,
  type GrowthLaw,
  type LawAxis,
  type LawQuantity,
  type MeasuredCell,
  type NamedCase,
} from './results.js';

// Any power law goes through two points.
const leastPoints = 3;

interface Path {
  readonly axis: LawAxis;
  /** A word for every size that changes along the axis: the same for all cells of a law. */
  readonly words: (benchCase: BenchCase) => Partial<NamedCase>;
}

// As many key/value heads as heads stay as many.
const wordsOfHeads = ({ heads, kvHeads }: BenchCase): Partial<NamedCase> => ({
  heads: 'heads',
  kvHeads: kvHeads === heads ? 'heads' : kvHeads,
});

const paths: readonly Path[] = [
  { axis: 'tokens', words: () => ({ tokens: 'tokens' }) },
  { axis: 'batch', words: () => ({ batch: 'n' }) },
  { axis: 'heads', words: (own) => ({ ...wordsOfHeads(own), headDim: 'modelDim/heads' }) },
  { axis: 'heads', words: (own) => ({ ...wordsOfHeads(own), modelDim: `${own.headDim}·heads` }) },
  { axis: 'modelDim', words: () => ({ modelDim: 'modelDim', headDim: 'modelDim/heads' }) },
];

/** The cells of a law, in order of their x. */
interface Group {
  readonly name: string;
  readonly axis: LawAxis;
  readonly cells: readonly MeasuredCell[];
}

/** Laws of all cells that there are three of along an axis, and where those of a layer's parts cross. */
export function fitLaws(cells: readonly Cell[]): GridLaws {
  const measured = cells.filter((cell) => cell.status === 'measured');
  const groups = paths.flatMap((path) => groupAlong(measured, path));
  const fitted = groups.map((group) => ({ group, fits: fitGroup(group) }));
  return {
    growth: fitted.flatMap(({ group, fits }) => fits.map((fit) => describeFit(group, fit))),
    crossovers: fitted.flatMap(({ group, fits }) => crossoversOf(group, fits)),
  };
}

function groupAlong(cells: readonly MeasuredCell[], { axis, words }: Path): Group[] {
  const groups = new Map<string, Group & { readonly cells: MeasuredCell[] }>();
  for (const cell of cells) {
    const named = { ...cell.case, ...words(cell.case) } as NamedCase;
    const key = JSON.stringify(named);
    const group = groups.get(key) ?? { name: nameOfCase(named), axis, cells: [] };
    group.cells.push(cell);
    groups.set(key, group);
  }
  return [...groups.values()]
    .filter((group) => new Set(group.cells.map((cell) => cell.case[axis])).size >= leastPoints)
    .map((group) => ({ ...group, cells: group.cells.sort((a, b) => a.case[axis] - b.case[axis]) }));
}

interface Quantity {
  readonly name: LawQuantity;
  /** 0 where a cell hasn't any. */
  readonly valueOf: (cell: MeasuredCell) => number;
  readonly flopOf?: (benchCase: BenchCase) => number;
}

const quantities: readonly Quantity[] = [
  { name: 'time', valueOf: ({ ms }) => ms.median, flopOf },
  { name: 'projections', valueOf: (cell) => partsOf(cell)?.projections ?? 0, flopOf: projectionFlop },
  { name: 'attention', valueOf: (cell) => partsOf(cell)?.attention ?? 0, flopOf: attentionFlop },
  { name: 'memory', valueOf: ({ workingBytes, fixedBytes }) => workingBytes - fixedBytes },
];

type Curve = Pick<PowerLaw, 'exponent' | 'factor'>;

interface Fit {
  readonly quantity: LawQuantity;
  readonly law: PowerLaw;
  /** Of the FLOP, where the quantity has any. */
  readonly flopLaw: Curve | null;
}

/** What was measured of all cells, and of memory only where it changes. */
function fitGroup({ axis, cells }: Group): Fit[] {
  const pointsOf = (valueOf: (cell: MeasuredCell) => number): Point[] =>
    cells.map((cell) => ({ x: cell.case[axis], y: valueOf(cell) }));
  return quantities.flatMap(({ name, valueOf, flopOf: flop }): Fit[] => {
    const points = pointsOf(valueOf);
    const values = points.map(({ y }) => y);
    const [least, most] = [leastOf(values), largestOf(values)];
    const isFlat = name === 'memory' && most < 1.01 * least;
    if (isFlat || !(least > 0 && most < Infinity)) return [];
    const flopLaw = flop === undefined ? null : fitExact(pointsOf((cell) => flop(cell.case)));
    return [{ quantity: name, law: fitPowerLaw(points), flopLaw }];
  });
}

/** Without an interval: FLOP are no measurements. */
function fitExact(points: readonly Point[]): Curve {
  const { slope, intercept } = fitLine(points.map(({ x, y }) => ({ x: Math.log(x), y: Math.log(y) })));
  return { exponent: slope, factor: Math.exp(intercept) };
}

function describeFit({ name, axis, cells }: Group, { quantity, law, flopLaw }: Fit): GrowthLaw {
  return {
    name,
    axis,
    quantity,
    from: cells[0]!.case[axis],
    to: cells.at(-1)!.case[axis],
    points: cells.length,
    ...law,
    flopExponent: flopLaw === null ? null : flopLaw.exponent,
    // Bytes are counted, not timed.
    isNoisy: quantity !== 'memory' && cells.some(({ isNoisy }) => isNoisy),
  };
}

/** None beyond the sizes that were measured: the laws were not tried there. */
function crossoversOf({ name, axis, cells }: Group, fits: readonly Fit[]): Crossover[] {
  const projections = fits.find(({ quantity }) => quantity === 'projections');
  const attention = fits.find(({ quantity }) => quantity === 'attention');
  if (projections === undefined || attention === undefined) return [];
  const at = findCrossover(projections.law, attention.law);
  if (at === null || at < cells[0]!.case[axis] || at > cells.at(-1)!.case[axis]) return [];
  return [{ name, axis, at, flopAt: findCrossover(projections.flopLaw!, attention.flopLaw!) }];
}
