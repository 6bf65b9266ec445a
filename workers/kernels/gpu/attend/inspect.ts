// The second pass over the scores in WGSL, given the maximum and the sum of each row: what is written for every key
// (weights, weights added over heads, scores). The scores are the first pass's own text.
import type { Shader } from '../shader.js';
import { keyThreads, type ShaderForm } from './form.js';
import { bindingsOf, bindingsText, scoreBindings, type Bound } from './operands.js';
import {
  dotsText,
  eachSlotText,
  finishText,
  keysPerThread,
  mainStart,
  reachText,
  scoreDeclarations,
} from './score.js';
import { times, when } from './text.js';
import { weighDeclarations } from './weigh.js';

/** What the second pass writes; added weights are a sum over the heads in their order. */
export type Inspected = 'weights' | 'addedWeights' | 'scores';

export interface InspectForm extends ShaderForm {
  readonly writes: Inspected;
}

export function inspectBindings(form: InspectForm): readonly Bound[] {
  return [
    ...scoreBindings(form),
    ...(form.writes === 'scores' ? [] : [{ name: 'rowState', type: 'array<u32>', access: 'read' } as const]),
    { name: 'columns', type: 'array<f32>', access: 'write' },
  ];
}

export function inspectShader(form: InspectForm): Shader {
  const { writes, isRich, rowThreads, rowsPerThread, tileKeys } = form;
  const bound = inspectBindings(form);
  const isAdded = writes === 'addedWeights';
  const isScores = writes === 'scores';
  const keys = keysPerThread(form);
  const slotOf = (n: number): string => `scoreTile[(x + ${n * keyThreads}u) * ${rowThreads}u + y]`;
  const number = isScores
    ? 'select(Rows(fill), scored.score, scored.mayAttend | RowBools(at.isOfAttended == 0u && j < count))'
    : 'weigh(scored, sums) * at.share';
  const code = `${bindingsText(bound)}
${scoreDeclarations(form)}
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
    reach = vec2<i32>(0, (i32(entry.keys) + ${tileKeys - 1}) / ${tileKeys});
    if (at.isOfAttended != 0u) { reach = reachOf(tile, entry); }
    plainTiles = (at.extraColumn + ${tileKeys - 1}) / ${tileKeys};
    ${when(isRich, `extraTiles = (at.extraCount + ${tileKeys - 1}) / ${tileKeys};`)}
  }
  let rowPlaces = placesOf(tile, entry, firstRow);
  let starts = at.columnsOffset + tile.entry * at.columnsEntry + rowPlaces.query * at.columnsRow${isAdded ? '' : ' + rowPlaces.head * at.columnsHead'};
  ${when(!isAdded, ofHeadText(form))}

  for (var t = 0; t < plainTiles + extraTiles; t++) {
    let isExtra = t >= plainTiles;
    let firstKey = select(t, t - plainTiles, isExtra) * ${tileKeys};
    let count = select(i32(entry.keys), at.extraCount, isExtra);
${times(keys, (n) => `    var number${n} = Rows(fill);`)}
    // Columns that no row of the tile reaches are filled.
    if (isExtra || (t >= reach.x && t < reach.y)) {
      ${when(isAdded, `for (var head = 0u; head < at.heads; head++) {\n        ${ofHeadText(form)}`)}
      ${dotsText(form)}
      ${eachSlotText(form, `${finishText}\n      scoreTile[slot] = bitcast<RowUints>(${number});`)}
${times(keys, (n) => `      number${n} ${isAdded ? '+=' : '='} bitcast<Rows>(${slotOf(n)});`)}
      workgroupBarrier();
      ${when(isAdded, '}')}
    }
${times(keys, (n) => `    ${slotOf(n)} = bitcast<RowUints>(number${n});`)}
    ${eachSlotText(
      form,
      `let numbers = bitcast<Rows>(scoreTile[slot]);
      for (var r = 0u; r < ${rowsPerThread}u; r++) {
        if (rowPlaces.isInside[r]) { writeRow(starts[r], j, count, isExtra, numbers[r]); }
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
  let places = placesOf(here, entry, firstRow);
  let terms = termsOf(here, entry, places);
  let kvHead = here.kvHead;
  let keyStart = entry.key + kvHead * at.keyHead;
  ${when(form.writes !== 'scores', 'let sums = rowSumsOf(entry, places);')}
  loadQueries(entry, places, x, y);
`;
}
