// The fused attention of the GPU in WGSL: tiles of keys with the online softmax of Milakov & Gimelshein (2018) as
// FlashAttention (Dao et al., 2022) applies it. Nothing of tokens x tokens is ever stored.
//
// A workgroup has a tile of rows; threads stand `y` on the rows and `x` on the keys of a tile, or on the vectors of an
// output row. A row's tiles begin at multiples of `tileKeys`, and no number of it depends on the rows beside it.
import type { Shader } from '../shader.js';
import { keyThreads, piecesOf, threadsOf, type AttendForm } from './form.js';
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
import { dotsStart, dotsText, keysPerThread, mainStart, reachText, scoreDeclarations } from './score.js';
import { component, listed, times, when } from './text.js';
import { outputColumns, sumValuesText, valueDeclarations } from './values.js';

/** Buffers in the order of their bindings, behind the uniform block. `memory` is there for `state` and `carry`. */
export function attendBindings(form: AttendForm): readonly Bound[] {
  return [
    ...scoreBindings(form),
    { name: 'value', type: floatsType(form), access: 'read' },
    { name: 'output', type: floatsType(form), access: 'write' },
    ...(form.state || form.carry ? [{ name: 'memory', type: 'array<u32>', access: 'write' } as const] : []),
  ];
}

export function attendShader(form: AttendForm): Shader {
  const { rowsPerThread, rowThreads, valueDim, tileKeys } = form;
  const bound = attendBindings(form);
  const pieces = piecesOf(form, valueDim);
  const each = (type: string, make: (r: number) => string) => `${type}(${listed(rowsPerThread, make)})`;
  const code = `${bindingsText(bound)}
${scoreDeclarations(form)}
${reachText(form)}
${readKeyText('value', 'extraValuesAt', form)}
${writeText('output', valueDim, form)}
${valueDeclarations(form)}
var<workgroup> maxima: array<RowInts, ${keyThreads * rowThreads}>; // [threads on keys][threads on rows]
${mainStart(form)}
  let terms = termsOf(tile, entry, firstRow);
  let keyStart = entry.key + tile.kvHead * at.keyHead;
  let valueStart = entry.value + tile.kvHead * at.valueHead;
  let kvHead = tile.kvHead;
  var reach = vec2<i32>(0);
  var extraTiles = 0;
  if (isThere) {
    reach = reachOf(tile, entry);
    ${when(form.extra, `if (at.isLast != 0u) { extraTiles = (at.extraCount + ${tileKeys - 1}) / ${tileKeys}; }`)}
  }
  loadQueries(tile, entry, thread);

  var m = leftOut; // the largest score, in the order of scores
  var l = Rows(0.0); // the sum of p over the keys of this thread
  var scaled = Rows(1.0); // what the sums of values are scaled by
${forOutputs(form, (o) => `  var ${o} = vec4<f32>(0.0);`)}
  ${when(form.carry, `if (at.isFirst == 0u) {\n${carried(form, 'load')}\n  }`)}

  for (var t = reach.x; t < reach.y + extraTiles; t++) {
    let isExtra = ${form.extra ? 't >= reach.y' : 'false'};
    let firstKey = ${form.extra ? 'select(t, t - reach.y, isExtra)' : 't'} * ${tileKeys};
    let count = ${form.extra ? 'select(i32(entry.keys), at.extraCount, isExtra)' : 'i32(entry.keys)'};

    // pass 1: s = q·k and what the rules make of it
${dotsStart(form)}
    ${dotsText(form)}
${times(
  keysPerThread(form),
  (n) => `    let f${n} = finish(s${n}, firstKey + i32(x) + ${n * keyThreads}, count, isExtra, terms);
    let order${n} = select(leftOut, orderOf(f${n}.score), f${n}.mayAttend);`,
)}

    // pass 2: p = e^(s - m), relative to the new maximum
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
${times(rowsPerThread, (r) => `    let place${r} = placeOf(tile, entry, firstRow + ${r}u);`)}
    ${when(
      form.sinks,
      `let sink = ${each('Rows', (r) => `sinkOf(place${r}.head)`)};
    let sinkOrder = orderOf(sink);
    let most = max(m, sinkOrder);
    factor = select(exponential(baseOf(m) - baseOf(most)), Rows(1.0), m <= lowest);
    sum = sum * factor + select(exponential(sink - baseOf(most)), Rows(0.0), sinkOrder <= lowest);
    m = most;`,
    )}
    let share = reciprocal(sum) * factor;
    let headScale = ${form.headScale ? each('Rows', (r) => `headScaleOf(place${r}.head)`) : 'Rows(1.0)'};
    let isZero = !hasAttended | (headScale == Rows(0.0));
    let isPoisoned = (m >= poison) | (sum == Rows(0.0));
    let grown = select(Rows(1.0), Rows(${2 ** 24}.0), scaled != Rows(1.0));
${times(
  rowsPerThread,
  (r) => `    if (firstRow + ${r}u < rowCount) {
      let start = entry.output + place${r}.head * at.outputHead + place${r}.query * at.outputRow;
${pieces
  .map(([first, end], piece) =>
    times(outputColumns(first, end), (c) => {
      const local = `x + ${c * keyThreads}u`;
      const o = `o${piece}_${c}_${r}`;
      const e = component(r);
      return `      if (${local} < ${end - first}u) {
        let mean = ${o} * share.${e} * grown.${e} * headScale.${e};
        write_output(start, ${first}u + ${local}, concluded(mean, isZero.${e}, isPoisoned.${e}));
      }`;
    }),
  )
  .join('\n')}
      ${when(
        form.state,
        `if (x == 0u) {
        let to = at.stateAt + 2u * (entry.state + place${r}.head * entry.queries + place${r}.query);
        memory[to] = maximumBits(m.${component(r)});
        memory[to + 1u] = select(bitcast<u32>(sum.${component(r)}), at.nan, m.${component(r)} >= poison.x);
      }`,
      )}
    }`,
)}
  }
}
`;
  return { name: 'attend', code, bindings: bindingsOf(bound) };
}

/** A line for each vector of sums of a thread: `o`, piece of dims, column of threads, row. */
function forOutputs(form: AttendForm, make: (o: string, n: number) => string): string {
  let n = 0;
  const lines: string[] = [];
  for (const [piece, [first, end]] of piecesOf(form, form.valueDim).entries()) {
    for (let c = 0; c < outputColumns(first, end); c++) {
      for (let r = 0; r < form.rowsPerThread; r++) lines.push(make(`o${piece}_${c}_${r}`, n++));
    }
  }
  return lines.join('\n');
}

/** Words of a thread between dispatches. */
function carryWords(form: AttendForm): number {
  const columns = piecesOf(form, form.valueDim).reduce(
    (sum, [first, end]) => sum + outputColumns(first, end),
    0,
  );
  return form.rowsPerThread * (3 + 4 * columns);
}

/** Words of `memory` that `tiles` tiles of rows leave between dispatches. */
export function carryLength(form: AttendForm, tiles: number): number {
  return tiles * threadsOf(form) * carryWords(form);
}

/** Statements that bring a thread's maxima, sums and outputs back, or leave them, word by word beside its neighbours'. */
function carried(form: AttendForm, direction: 'load' | 'store'): string {
  const { rowsPerThread } = form;
  let word = 0;
  const move = (variable: string, type: string): string => {
    const place = `memory[carry + ${word++ * threadsOf(form)}u]`;
    return direction === 'load'
      ? `    ${variable} = bitcast<${type}>(${place});`
      : `    ${place} = bitcast<u32>(${variable});`;
  };
  const rows = (name: string, type: string) =>
    times(rowsPerThread, (r) => move(`${name}.${component(r)}`, type));
  return `    let carry = at.carryAt + tileIndex * ${threadsOf(form) * carryWords(form)}u + thread;
${rows('m', 'i32')}
${rows('l', 'f32')}
${rows('scaled', 'f32')}
${forOutputs(form, (o) => times(4, (e) => move(`${o}.${component(e)}`, 'f32')))}`;
}
