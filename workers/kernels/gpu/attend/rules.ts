// What becomes of scores in WGSL: scaled, softcapped, less their ALiBi term, with their bias, and which keys a row may
// attend. The one text for the first pass and the second.
import type { ShaderForm } from './form.js';
import { tanhText } from './numbers.js';
import { component, listed, when } from './text.js';

/**
 * `RowTerms` of a thread's rows, and `finish(dots, j, count, isExtra, terms)`: scores after all rules and who attends. A
 * rule that a call hasn't changes nothing: its numbers are neutral, or a flag of the uniform block leaves it out. Reads no
 * element of bias and mask that isn't there: j >= count is left out.
 */
export function rulesText({ isRich, rowsPerThread }: ShaderForm): string {
  const each = (type: string, make: (r: string) => string) =>
    `${type}(${listed(rowsPerThread, (r) => make(component(r)))})`;
  return `
struct RowTerms {
  position: RowInts,
  slope: Rows,
  bias: RowUints,
  mask: RowUints,
}

struct Scored { score: Rows, mayAttend: RowBools }

${when(
  isRich,
  `${tanhText}
fn maskAt(n: u32) -> bool { return ((mask[n >> 2u] >> ((n & 3u) << 3u)) & 255u) != 0u; }`,
)}

fn finish(dots: Rows, j: i32, count: i32, isExtra: bool, terms: RowTerms) -> Scored {
  var s = dots * at.scale;
  ${when(isRich, 'if (at.softcap != 0.0) { s = tanhOf(s * at.inverseSoftcap) * at.softcap; }')}
  var may = RowBools(j < count);
  if (j < count && !isExtra) {
    let ahead = RowInts(j) - terms.position;
    may = may & (ahead >= RowInts(-at.left)) & (ahead <= RowInts(at.right));
    ${when(
      isRich,
      `s = s - terms.slope * Rows(abs(ahead));
    if (at.hasMask != 0u) {
      let ofMask = terms.mask + RowUints(u32(j) * at.maskColumn);
      may = may & ${each('RowBools', (r) => `maskAt(ofMask.${r})`)};
    }
    if (at.hasBias != 0u) {
      let ofBias = terms.bias + RowUints(u32(j) * at.biasColumn);
      let b = ${each('Rows', (r) => `bias[ofBias.${r}]`)};
      may = may & (bitcast<RowUints>(b) != RowUints(0xff800000u));
      if (at.addsBias != 0u) { s = s + b; }
    }`,
    )}
  }
  return Scored(s, may);
}
`;
}
