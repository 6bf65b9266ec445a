// What becomes of scores in WGSL: scaled, softcapped, less their ALiBi term, with their bias, and which keys a row may
// attend. The one text for the first pass and the second.
import type { ScoreStage } from '../../../../src/core/protocol/score-rules.js';
import type { RuleForm } from './form.js';
import { tanhText } from './numbers.js';
import { component, listed, when } from './text.js';

/**
 * `RowTerms` of a thread's rows, and `finish(dots, j, count, isExtra, terms)`: scores after `stage` and who attends.
 * Reads no element of bias and mask that isn't there: j >= count is left out.
 */
export function rulesText(form: RuleForm, rowsPerThread: number, stage: ScoreStage = 'biased'): string {
  const each = (type: string, make: (r: string) => string) =>
    `${type}(${listed(rowsPerThread, (r) => make(component(r)))})`;
  const hasBiasScore = form.bias && stage === 'biased';
  return `
struct RowTerms {
  position: RowInts,
  slope: Rows,
  bias: RowUints,
  mask: RowUints,
}

struct Scored { score: Rows, mayAttend: RowBools }

${when(form.softcap, tanhText)}
${when(form.mask, `fn maskAt(n: u32) -> bool { return ((mask[n >> 2u] >> ((n & 3u) << 3u)) & 255u) != 0u; }`)}

fn finish(dots: Rows, j: i32, count: i32, isExtra: bool, terms: RowTerms) -> Scored {
  var s = dots * at.scale;
  ${when(form.softcap && stage !== 'scaled', 's = tanhOf(s * at.inverseSoftcap) * at.softcap;')}
  var may = RowBools(j < count);
  if (j < count && !isExtra) {
    let ahead = RowInts(j) - terms.position;
    ${when(form.alibi && stage === 'biased', 's = s - terms.slope * Rows(abs(ahead));')}
    ${when(form.window, 'may = may & (ahead >= RowInts(-at.left)) & (ahead <= RowInts(at.right));')}
    ${when(
      form.mask,
      `let ofMask = terms.mask + RowUints(u32(j) * at.maskColumn);
    may = may & ${each('RowBools', (r) => `maskAt(ofMask.${r})`)};`,
    )}
    ${when(
      form.bias,
      `let ofBias = terms.bias + RowUints(u32(j) * at.biasColumn);
    let b = ${each('Rows', (r) => `bias[ofBias.${r}]`)};
    may = may & (bitcast<RowUints>(b) != RowUints(0xff800000u));`,
    )}
    ${when(hasBiasScore, 's = s + b;')}
  }
  return Scored(s, may);
}
`;
}
