// Statistics of rows in WGSL: a second pass that sums over the probabilities of a row what statistics of heads need, and
// the norm of its output. The sums over rows are the host's.
import { rowStatistic, rowStatistics } from '../../../../src/core/protocol/statistics.js';
import type { Shader } from '../shader.js';
import { keyThreads, type ShaderForm } from './form.js';
import { bindingsOf, bindingsText, floatsType, readText, scoreBindings, type Bound } from './operands.js';
import { dotsText, eachSlotText, finishText, mainStart, reachText, scoreDeclarations } from './score.js';
import { when } from './text.js';
import { weighDeclarations } from './weigh.js';

/** Floats of a row: its statistics, then the L2 norm of its output. */
export const statisticsOfRow = rowStatistics + 1;

/** The keys whose probability is wanted by itself, from the row's position. */
const neighbours = {
  first: 'RowBools(j == 0)',
  self: 'RowInts(j) == position',
  previous: 'RowInts(j) == position - 1',
  next: 'RowInts(j) == position + 1',
} as const;
const neighbourNames = Object.keys(neighbours) as (keyof typeof neighbours)[];
const sums = ['entropy', 'distance', ...neighbourNames] as const;

export function rowStatisticsBindings(form: ShaderForm): readonly Bound[] {
  return [
    ...scoreBindings(form),
    { name: 'rowState', type: 'array<u32>', access: 'read' },
    { name: 'output', type: floatsType(form), access: 'read' },
    { name: 'statistics', type: 'array<f32>', access: 'write' },
  ];
}

export function rowStatisticsShader(form: ShaderForm): Shader {
  const { isRich, rowThreads, rowsPerThread, tileKeys } = form;
  const bound = rowStatisticsBindings(form);
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
${readText('output', 'valueDim', form)}
${weighDeclarations(form)}
var<workgroup> partials: array<Rows, ${keyThreads * rowThreads}>;

/// ln x, the built-in one with a step of Newton's.
fn logarithm(x: Rows) -> Rows {
  let y = log(x);
  return y + (x * exponential(-y) - 1.0);
}
${mainStart(form)}
  let places = placesOf(tile, entry, firstRow);
  let terms = termsOf(tile, entry, places);
  let kvHead = tile.kvHead;
  let keyStart = entry.key + kvHead * at.keyHead;
  let sumsOfRow = rowSumsOf(entry, places);
  let logOfSum = logarithm(max(sumsOfRow.sum, Rows(1e-37)));
  let position = terms.position;
  var reach = vec2<i32>(0);
  var extraTiles = 0;
  if (isThere) {
    reach = reachOf(tile, entry);
    ${when(isRich, `extraTiles = (at.extraCount + ${tileKeys - 1}) / ${tileKeys};`)}
  }
  loadQueries(entry, places, x, y);
${sums.map((name) => `  var ${name}OfRow = Rows(0.0);`).join('\n')}
  var largestOfRow = Rows(0.0);
  var attended = Rows(0.0);

  // pass 1: the sums of this thread's keys
  for (var t = reach.x; t < reach.y + extraTiles; t++) {
    let isExtra = t >= reach.y;
    let firstKey = select(t, t - reach.y, isExtra) * ${tileKeys};
    let count = select(i32(entry.keys), at.extraCount, isExtra);
    ${dotsText(form)}
    ${eachSlotText(
      form,
      `${finishText}
      let p = weigh(scored, sumsOfRow);
      let relative = max(scored.score - sumsOfRow.base, Rows(-88.0));
      // p ln p is 0 at 0, and a score left out counts for nothing.
      entropyOfRow += select(p * (logOfSum - relative), Rows(0.0), p == Rows(0.0));
      largestOfRow = max(largestOfRow, p);
      attended = select(attended, Rows(1.0), scored.mayAttend);
      if (!isExtra) {
        distanceOfRow += p * Rows(abs(RowInts(j) - position));
${neighbourNames.map((name) => `        ${name}OfRow += select(Rows(0.0), p, ${neighbours[name]});`).join('\n')}
      }`,
    )}
    workgroupBarrier();
  }

  // pass 2: the largest number of the output, and the sum of squares relative to its power of two
  let starts = entry.output + places.head * at.outputHead + places.query * at.outputRow;
  var most = Rows(0.0);
  for (var vector = x; vector * 4u < at.valueDim; vector += ${keyThreads}u) {
    for (var r = 0u; r < ${rowsPerThread}u; r++) {
      let o = abs(outputAt(starts[r], vector));
      most[r] = max(most[r], max(max(o.x, o.y), max(o.z, o.w)));
    }
  }
${exchange('most', largest)}
  let exponent = clamp(bitcast<RowUints>(most) >> RowUints(23u), RowUints(1u), RowUints(253u));
  let inverse = bitcast<Rows>((RowUints(254u) - exponent) << RowUints(23u));
  var squares = Rows(0.0);
  for (var vector = x; vector * 4u < at.valueDim; vector += ${keyThreads}u) {
    for (var r = 0u; r < ${rowsPerThread}u; r++) {
      let o = outputAt(starts[r], vector) * inverse[r];
      squares[r] += dot(o, o);
    }
  }

  // pass 3: those of all threads of a row, in their order
${[...sums.map((name) => `${name}OfRow`), 'squares'].map((name) => exchange(name, sum)).join('\n')}
${['largestOfRow', 'attended'].map((name) => exchange(name, largest)).join('\n')}
  if (isThere && x == 0u) {
    let isPoisoned = sumsOfRow.isPoisoned & (attended != Rows(0.0));
    largestOfRow = bitcast<Rows>(select(bitcast<RowUints>(largestOfRow), RowUints(at.nan), isPoisoned));
    entropyOfRow = bitcast<Rows>(select(bitcast<RowUints>(entropyOfRow), RowUints(at.nan), isPoisoned));
    let norm = sqrt(squares) / inverse;
    for (var r = 0u; r < ${rowsPerThread}u; r++) {
      if (places.isInside[r]) {
        let to = ${statisticsOfRow}u * (entry.state + places.head[r] * entry.queries + places.query[r]);
${[...sums, 'largest' as const].map((name) => `        statistics[to + ${rowStatistic[name]}u] = ${name}OfRow[r];`).join('\n')}
        statistics[to + ${rowStatistic.hasAttended}u] = attended[r];
        statistics[to + ${rowStatistics}u] = norm[r];
      }
    }
  }
}
`;
  return { name: 'rowStatistics', code, bindings: bindingsOf(bound) };
}
