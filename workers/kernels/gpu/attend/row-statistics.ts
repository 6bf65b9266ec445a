// Statistics of rows in WGSL: a second pass that sums over the probabilities of a row what statistics of heads need, and
// the norm of its output. The sums over rows are the host's.
import { rowStatistic, rowStatistics } from '../../../../src/core/protocol/statistics.js';
import type { Shader } from '../shader.js';
import { keyThreads, vectorsOf, type RuleForm, type TileForm } from './form.js';
import { bindingsOf, bindingsText, floatsType, readText, scoreBindings, type Bound } from './operands.js';
import { dotsStart, dotsText, keysPerThread, mainStart, reachText, scoreDeclarations } from './score.js';
import { component, times, when } from './text.js';
import { weighDeclarations } from './weigh.js';

/** Floats of a row: its statistics, then the L2 norm of its output. */
export const statisticsOfRow = rowStatistics + 1;

/** The keys whose probability is wanted by itself, from the row's position. */
const neighbours = {
  first: 'j == RowInts(0)',
  self: 'j == position',
  previous: 'j == position - 1',
  next: 'j == position + 1',
} as const;
const neighbourNames = Object.keys(neighbours) as (keyof typeof neighbours)[];
const sums = ['entropy', 'distance', ...neighbourNames] as const;

export function rowStatisticsBindings(form: RuleForm): readonly Bound[] {
  return [
    ...scoreBindings(form),
    { name: 'rowState', type: 'array<u32>', access: 'read' },
    { name: 'output', type: floatsType(form), access: 'read' },
    { name: 'statistics', type: 'array<f32>', access: 'write' },
  ];
}

export function rowStatisticsShader(form: TileForm & RuleForm): Shader {
  const { rowThreads, rowsPerThread, tileKeys, valueDim } = form;
  const bound = rowStatisticsBindings(form);
  const keys = keysPerThread(form);
  const rows = (make: (r: number, e: string) => string) => times(rowsPerThread, (r) => make(r, component(r)));
  const exchange = (name: string, combine: (all: string, one: string) => string) => `
  workgroupBarrier();
  partials[x * ${rowThreads}u + y] = ${name};
  workgroupBarrier();
  ${name} = partials[y];
  for (var n = 1u; n < ${keyThreads}u; n++) { ${name} = ${combine(name, `partials[n * ${rowThreads}u + y]`)}; }`;
  const sum = (all: string, one: string): string => `${all} + ${one}`;
  const largest = (all: string, one: string): string => `max(${all}, ${one})`;
  const code = `${bindingsText(bound)}
${scoreDeclarations(form)}
${reachText(form)}
${readText('output', valueDim, form)}
${weighDeclarations(form)}
var<workgroup> partials: array<Rows, ${keyThreads * rowThreads}>;

/// ln x, the built-in one with a step of Newton's.
fn logarithm(x: Rows) -> Rows {
  let y = log(x);
  return y + (x * exponential(-y) - 1.0);
}
${mainStart(form)}
  let terms = termsOf(tile, entry, firstRow);
  let kvHead = tile.kvHead;
  let keyStart = entry.key + kvHead * at.keyHead;
  let sumsOfRow = rowSumsOf(tile, entry, firstRow);
  let logOfSum = logarithm(max(sumsOfRow.sum, Rows(1e-37)));
  let position = terms.position;
  var reach = vec2<i32>(0);
  var extraTiles = 0;
  if (isThere) {
    reach = reachOf(tile, entry);
    ${when(form.extra, `extraTiles = (at.extraCount + ${tileKeys - 1}) / ${tileKeys};`)}
  }
  loadQueries(tile, entry, thread);
${sums.map((name) => `  var ${name}OfRow = Rows(0.0);`).join('\n')}
  var largestOfRow = Rows(0.0);
  var attended = Rows(0.0);

  // pass 1: the sums of this thread's keys
  for (var t = reach.x; t < reach.y + extraTiles; t++) {
    let isExtra = t >= reach.y;
    let firstKey = select(t, t - reach.y, isExtra) * ${tileKeys};
    let count = select(i32(entry.keys), at.extraCount, isExtra);
${dotsStart(form)}
    ${dotsText(form)}
${times(
  keys,
  (n) => `    {
      let j = RowInts(firstKey + i32(x) + ${n * keyThreads});
      let scored = finish(s${n}, j.x, count, isExtra, terms);
      let p = weigh(scored, sumsOfRow);
      let relative = max(scored.score - sumsOfRow.base, Rows(-88.0));
      // p ln p is 0 at 0, and a score left out counts for nothing.
      entropyOfRow += select(p * (logOfSum - relative), Rows(0.0), p == Rows(0.0));
      largestOfRow = max(largestOfRow, p);
      attended = select(attended, Rows(1.0), scored.mayAttend);
      if (!isExtra) {
        distanceOfRow += p * Rows(abs(j - position));
${neighbourNames.map((name) => `        ${name}OfRow += select(Rows(0.0), p, ${neighbours[name]});`).join('\n')}
      }
    }`,
)}
    workgroupBarrier();
  }

  // pass 2: the largest number of the output, and the sum of squares relative to its power of two
${rows((r) => `  let place${r} = placeOf(tile, entry, firstRow + ${r}u);`)}
  var most = Rows(0.0);
  for (var vector = x; vector < ${vectorsOf(valueDim)}u; vector += ${keyThreads}u) {
${rows(
  (
    r,
    e,
  ) => `    let o${r} = abs(outputAt(entry.output + place${r}.head * at.outputHead + place${r}.query * at.outputRow, vector));
    most.${e} = max(most.${e}, max(max(o${r}.x, o${r}.y), max(o${r}.z, o${r}.w)));`,
)}
  }
${exchange('most', largest)}
  let exponent = clamp(bitcast<RowUints>(most) >> RowUints(23u), RowUints(1u), RowUints(253u));
  let inverse = bitcast<Rows>((RowUints(254u) - exponent) << RowUints(23u));
  var squares = Rows(0.0);
  for (var vector = x; vector < ${vectorsOf(valueDim)}u; vector += ${keyThreads}u) {
${rows(
  (
    r,
    e,
  ) => `    let o${r} = outputAt(entry.output + place${r}.head * at.outputHead + place${r}.query * at.outputRow, vector) * inverse.${e};
    squares.${e} += dot(o${r}, o${r});`,
)}
  }

  // pass 3: those of all threads of a row, in their order
${[...sums.map((name) => `${name}OfRow`), 'squares'].map((name) => exchange(name, sum)).join('\n')}
${['largestOfRow', 'attended'].map((name) => exchange(name, largest)).join('\n')}
  if (isThere && x == 0u) {
    let isPoisoned = sumsOfRow.isPoisoned & (attended != Rows(0.0));
    largestOfRow = bitcast<Rows>(select(bitcast<RowUints>(largestOfRow), RowUints(at.nan), isPoisoned));
    entropyOfRow = bitcast<Rows>(select(bitcast<RowUints>(entropyOfRow), RowUints(at.nan), isPoisoned));
    let norm = sqrt(squares) / inverse;
${rows(
  (r, e) => `    if (firstRow + ${r}u < rowCount) {
      let to = ${statisticsOfRow}u * (entry.state + place${r}.head * entry.queries + place${r}.query);
${[...sums, 'largest' as const].map((name) => `      statistics[to + ${rowStatistic[name]}u] = ${name}OfRow.${e};`).join('\n')}
      statistics[to + ${rowStatistic.hasAttended}u] = attended.${e};
      statistics[to + ${rowStatistics}u] = norm.${e};
    }`,
)}
  }
}
`;
  return { name: 'rowStatistics', code, bindings: bindingsOf(bound) };
}
