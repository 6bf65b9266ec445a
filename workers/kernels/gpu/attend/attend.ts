// The fused attention of the GPU in WGSL: tiles of keys with the online softmax of Milakov & Gimelshein (2018) as
// FlashAttention (Dao et al., 2022) applies it. Nothing of tokens x tokens is ever stored.
//
// A workgroup has a tile of rows; threads stand `y` on the rows and `x` on the keys of a tile, or on the vectors of an
// output row. A row's tiles begin at multiples of `tileKeys`, and no number of it depends on the rows beside it.
import type { Shader } from '../shader.js';
import { keyThreads, outputColumns, threadsOf, type AttendForm } from './form.js';
import {
  bindingsOf,
  bindingsText,
  floatsType,
  readKeyText,
  scoreBindings,
  writeText,
  type Bound,
} from './operands.js';
import { absorbText } from './softmax.js';
import { dotsText, mainStart, reachText, scoreDeclarations } from './score.js';
import { component, listed, times, when } from './text.js';
import { eachOutput, sumValuesText, valueDeclarations } from './values.js';

/** Buffers in the order of their bindings, behind the uniform block; `memory` has maxima and sums of rows. */
export function attendBindings(form: AttendForm): readonly Bound[] {
  return [
    ...scoreBindings(form),
    { name: 'value', type: floatsType(form), access: 'read' },
    { name: 'output', type: floatsType(form), access: 'write' },
    { name: 'memory', type: 'array<u32>', access: 'write' },
  ];
}

export function attendShader(form: AttendForm): Shader {
  const { isRich, rowsPerThread, rowThreads, tileKeys } = form;
  const bound = attendBindings(form);
  const ofHeads = (numberOf: string) =>
    `Rows(${listed(rowsPerThread, (r) => `${numberOf}(places.head.${component(r)})`)})`;
  const outputs = outputColumns(form) * rowsPerThread;
  const code = `${bindingsText(bound)}
${scoreDeclarations(form)}
${reachText(form)}
${readKeyText('value', form)}
${writeText('output', 'valueDim', form)}
${valueDeclarations(form)}
var<workgroup> maxima: array<RowInts, ${keyThreads * rowThreads}>; // [threads on keys][threads on rows]
${mainStart(form)}
  let places = placesOf(tile, entry, firstRow);
  let terms = termsOf(tile, entry, places);
  let keyStart = entry.key + tile.kvHead * at.keyHead;
  let valueStart = entry.value + tile.kvHead * at.valueHead;
  let kvHead = tile.kvHead;
  var reach = vec2<i32>(0);
  var extraTiles = 0;
  if (isThere) {
    reach = reachOf(tile, entry);
    ${when(isRich, `if (at.isLast != 0u) { extraTiles = (at.extraCount + ${tileKeys - 1}) / ${tileKeys}; }`)}
  }
  loadQueries(entry, places, x, y);
  if (thread == 0u) { atomicStore(&hasSpecial, 0u); }

  var m = leftOut; // the largest score, in the order of scores
  var l = Rows(0.0); // the sum of p over the keys of this thread
  var scaled = Rows(1.0); // what the sums of values are scaled by
${eachOutput(form, (o) => `  var ${o} = vec4<f32>(0.0);`)}
  ${when(form.carry, `if (at.isFirst == 0u) {\n${carried(form, 'load')}\n  }`)}

  for (var t = reach.x; t < reach.y + extraTiles; t++) {
    let isExtra = ${isRich ? 't >= reach.y' : 'false'};
    let firstKey = ${isRich ? 'select(t, t - reach.y, isExtra)' : 't'} * ${tileKeys};
    let count = ${isRich ? 'select(i32(entry.keys), at.extraCount, isExtra)' : 'i32(entry.keys)'};

    // pass 1: q·k
    ${dotsText(form)}

    // pass 2: s, which is what the rules make of q·k, and p = e^(s - m), relative to the new maximum
    ${absorbText(form)}

    // pass 3: o = o · e^(old m - m) + Σ p v
${sumValuesText(form)}
    workgroupBarrier();
  }

  // pass 4: o / l, with the sink in the denominator
  maxima[x * ${rowThreads}u + y] = bitcast<RowInts>(l);
  workgroupBarrier();
  if (isThere && ${form.carry ? 'at.isLast == 0u' : 'false'}) {
    ${when(form.carry, carried(form, 'store'))}
  } else if (isThere) {
    var sum = Rows(0.0);
    for (var n = 0u; n < ${keyThreads}u; n++) { sum += bitcast<Rows>(maxima[n * ${rowThreads}u + y]); }
    let hasAttended = m != leftOut;
    var factor = Rows(1.0);
    ${when(
      isRich,
      `if (at.hasSinks != 0u) {
      let sink = ${ofHeads('sinkOf')};
      let sinkOrder = orderOf(sink);
      let most = max(m, sinkOrder);
      factor = select(exponential(baseOf(m) - baseOf(most)), Rows(1.0), m <= lowest);
      sum = sum * factor + select(exponential(sink - baseOf(most)), Rows(0.0), sinkOrder <= lowest);
      m = most;
    }`,
    )}
    let share = reciprocal(sum) * factor;
    let headScale = ${isRich ? ofHeads('headScaleOf') : 'Rows(1.0)'};
    let isZero = !hasAttended | (headScale == Rows(0.0));
    let isPoisoned = (m >= poison) | (sum == Rows(0.0));
    let grown = select(Rows(1.0), Rows(${2 ** 24}.0), scaled != Rows(1.0));
    let starts = entry.output + places.head * at.outputHead + places.query * at.outputRow;
    for (var n = 0u; n < ${outputs}u; n++) {
      let r = n % ${rowsPerThread}u;
      let vector = x + n / ${rowsPerThread}u * ${keyThreads}u;
      var o: vec4<f32>;
      ${pickText(form, (name) => `o = ${name};`)}
      if (places.isInside[r] && vector * 4u < at.valueDim) {
        let mean = o * share[r] * grown[r] * headScale[r];
        write_output(starts[r], vector, concluded(mean, isZero[r], isPoisoned[r]));
      }
    }
    let rows = at.stateAt + 2u * (entry.state + places.head * entry.queries + places.query);
    for (var r = 0u; r < ${rowsPerThread}u; r++) {
      if (x == 0u && places.isInside[r]) {
        memory[rows[r]] = maximumBits(m[r]);
        memory[rows[r] + 1u] = select(bitcast<u32>(sum[r]), at.nan, m[r] >= poison.x);
      }
    }
  }
}
`;
  return { name: 'attend', code, bindings: bindingsOf(bound) };
}

/** A statement about output `n` of a thread, row after row of its columns. */
function pickText(form: AttendForm, make: (o: string) => string): string {
  const last = outputColumns(form) * form.rowsPerThread - 1;
  return `switch n {
${eachOutput(form, (o, column, r) => {
  const n = column * form.rowsPerThread + r;
  return `        ${n === last ? 'default' : `case ${n}u`}: { ${make(o)} }`;
})}
      }`;
}

/** Words of a thread between dispatches. */
function carryWords(form: AttendForm): number {
  return form.rowsPerThread * (3 + 4 * outputColumns(form));
}

/** Words of `memory` that `tiles` tiles of rows leave between dispatches. */
export function carryLength(form: AttendForm, tiles: number): number {
  return tiles * threadsOf(form) * carryWords(form);
}

/** Statements that bring a thread's maxima, sums and outputs back, or leave them, word by word beside its neighbours'. */
function carried(form: AttendForm, direction: 'load' | 'store'): string {
  const { rowsPerThread } = form;
  const threads = threadsOf(form);
  const rows = (name: string, type: string, first: number): string =>
    times(rowsPerThread, (r) => {
      const place = `memory[carry + ${(first + r) * threads}u]`;
      const variable = `${name}.${component(r)}`;
      return direction === 'load'
        ? `    ${variable} = bitcast<${type}>(${place});`
        : `    ${place} = bitcast<u32>(${variable});`;
    });
  const wordOf = (e: number): string => `memory[to + ${e * threads}u]`;
  const move =
    direction === 'load'
      ? `let o = bitcast<vec4<f32>>(vec4<u32>(${listed(4, wordOf)}));
      ${pickText(form, (name) => `${name} = o;`)}`
      : `var o: vec4<f32>;
      ${pickText(form, (name) => `o = ${name};`)}
${times(4, (e) => `      ${wordOf(e)} = bitcast<u32>(o.${component(e)});`)}`;
  return `    let carry = at.carryAt + tileIndex * ${threads * carryWords(form)}u + thread;
${rows('m', 'i32', 0)}
${rows('l', 'f32', rowsPerThread)}
${rows('scaled', 'f32', 2 * rowsPerThread)}
    for (var n = 0u; n < ${outputColumns(form) * rowsPerThread}u; n++) {
      let to = carry + (${3 * rowsPerThread}u + 4u * n) * ${threads}u;
      ${move}
    }`;
}
