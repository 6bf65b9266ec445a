// The second pass over the scores in WGSL, given the maximum and the sum of each row: what is written for every key
// (weights, weights added over heads, scores). The scores are the first pass's own text.
import type { ScoreStage } from '../../../../src/core/protocol/score-rules.js';
import type { Shader } from '../shader.js';
import { keyThreads, type RuleForm, type TileForm } from './form.js';
import { bindingsOf, bindingsText, scoreBindings, type Bound } from './operands.js';
import { dotsStart, dotsText, keysPerThread, mainStart, reachText, scoreDeclarations } from './score.js';
import { component, times, when } from './text.js';
import { weighDeclarations } from './weigh.js';

/** What the second pass writes; added weights are a sum over the heads in their order. */
export type Inspected = 'weights' | 'addedWeights' | 'scores';

export interface InspectForm extends TileForm, RuleForm {
  readonly writes: Inspected;
  /** Of scores; weights have 'biased'. */
  readonly stage: ScoreStage;
}

export function inspectBindings(form: InspectForm): readonly Bound[] {
  return [
    ...scoreBindings(form),
    ...(form.writes === 'scores' ? [] : [{ name: 'rowState', type: 'array<u32>', access: 'read' } as const]),
    { name: 'columns', type: 'array<f32>', access: 'write' },
  ];
}

export function inspectShader(form: InspectForm): Shader {
  const { writes, stage, tileKeys } = form;
  const bound = inspectBindings(form);
  const isAdded = writes === 'addedWeights';
  const isScores = writes === 'scores';
  const isOfAttended = stage === 'biased';
  const keys = keysPerThread(form);
  const numberOf = (n: number): string => {
    if (!isScores) return `weigh(f${n}, sums) * at.share`;
    const isThere = isOfAttended ? `f${n}.mayAttend` : `RowBools(j${n} < count)`;
    return `select(Rows(fill), f${n}.score, ${isThere})`;
  };
  const code = `${bindingsText(bound)}
${scoreDeclarations(form, stage)}
${reachText(form)}
${when(!isScores, weighDeclarations(form))}
fn writeRow(start: u32, j: i32, count: i32, isExtra: bool, number: f32) {
  if (isExtra) {
    if (j < count) { columns[start + u32(at.extraColumn + j) * at.columnsColumn] = number; }
  } else if (j < at.extraColumn) {
    columns[start + u32(j) * at.columnsColumn] = number;
  }
}
${mainStart(form)}
  let fill = ${isScores ? 'bitcast<f32>(at.minusInfinity)' : '0.0'};
  var reach = vec2<i32>(0);
  var plainTiles = 0;
  var extraTiles = 0;
  if (isThere) {
    reach = ${isOfAttended ? 'reachOf(tile, entry)' : `vec2<i32>(0, (i32(entry.keys) + ${tileKeys - 1}) / ${tileKeys})`};
    plainTiles = (at.extraColumn + ${tileKeys - 1}) / ${tileKeys};
    ${when(form.extra, `extraTiles = (at.extraCount + ${tileKeys - 1}) / ${tileKeys};`)}
  }
  ${when(!isAdded, ofHeadText(form))}

  for (var t = 0; t < plainTiles + extraTiles; t++) {
    let isExtra = t >= plainTiles;
    let firstKey = select(t, t - plainTiles, isExtra) * ${tileKeys};
    let count = select(i32(entry.keys), at.extraCount, isExtra);
${times(keys, (n) => `    let j${n} = firstKey + i32(x) + ${n * keyThreads};`)}
${times(keys, (n) => `    var number${n} = Rows(fill);`)}
    // Columns that no row of the tile reaches are filled.
    if (isExtra || (t >= reach.x && t < reach.y)) {
      ${when(isAdded, `for (var head = 0u; head < at.heads; head++) {\n        ${ofHeadText(form)}`)}
${dotsStart(form)}
      ${dotsText(form)}
${times(keys, (n) => `      let f${n} = finish(s${n}, j${n}, count, isExtra, terms);`)}
${times(keys, (n) => `      number${n} ${isAdded ? '+=' : '='} ${numberOf(n)};`)}
      workgroupBarrier();
      ${when(isAdded, '}')}
    }
${times(
  form.rowsPerThread,
  (r) => `    if (firstRow + ${r}u < rowCount) {
      let place = placeOf(tile, entry, firstRow + ${r}u);
      let start = at.columnsOffset + tile.entry * at.columnsEntry + place.query * at.columnsRow${isAdded ? '' : ' + place.head * at.columnsHead'};
${times(keys, (n) => `      writeRow(start, j${n}, count, isExtra, number${n}.${component(r)});`)}
    }`,
)}
  }
}
`;
  return { name: writes, code, bindings: bindingsOf(bound) };
}

/** What belongs to the heads of a tile, or to `head` where a tile goes through all of them. */
function ofHeadText(form: InspectForm): string {
  const isAdded = form.writes === 'addedWeights';
  const tile = isAdded ? 'Tile(tile.entry, head / at.group, head, 1u, tile.firstRow)' : 'tile';
  return `let here = ${tile};
  let terms = termsOf(here, entry, firstRow);
  let kvHead = here.kvHead;
  let keyStart = entry.key + kvHead * at.keyHead;
  ${when(form.writes !== 'scores', 'let sums = rowSumsOf(here, entry, firstRow);')}
  loadQueries(here, entry, thread);
`;
}
