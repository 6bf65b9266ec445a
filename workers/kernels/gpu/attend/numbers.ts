// Functions of vectors of rows in WGSL that keep the precision promise, and the order of scores as integers. The
// built-in exp and tanh may be off by several ulp, and the language lets a compiler assume that no float is infinite or
// NaN: what such numbers mean is decided on their bits.
import { times } from './text.js';

const components = { 2: 'vec2', 4: 'vec4' } as const;

/** e^r for r in [-0.347, 0.347]: degree 5, p(0) = 1, least relative error (9.2e-8); as in source/exp.h. */
const expTerms = ['8.2903150e-3', '4.1897930e-2', '1.6667636e-1', '4.9999151e-1', '9.9999970e-1', '1.0'];
/** g of e^r - 1 = r + r² g(r), degree 4, least relative error of the whole (1.3e-8). */
const expm1Terms = ['1.3882517e-3', '8.3665475e-3', '4.1667201e-2', '1.6666543e-1', '4.9999997e-1'];

function polynomial(terms: readonly string[]): string {
  return `var p = Rows(${terms[0]!});
${times(terms.length - 1, (n) => `  p = fma(p, r, Rows(${terms[n + 1]!}));`)}`;
}

/** The functions for rows in vectors of `rowsPerThread`, and the names of their types. */
export function numbersText(rowsPerThread: 2 | 4): string {
  const vector = components[rowsPerThread];
  return `
alias Rows = ${vector}<f32>;
alias RowInts = ${vector}<i32>;
alias RowUints = ${vector}<u32>;
alias RowBools = ${vector}<bool>;

// The order of scores as integers: left out < -infinity < finite < +infinity or NaN, which poison a row.
const leftOut = RowInts(-2147483648);
const lowest = RowInts(-2139095041);
const poison = RowInts(0x7f800000);

fn isNaN(x: Rows) -> RowBools { return (bitcast<RowUints>(x) & RowUints(0x7fffffffu)) > RowUints(0x7f800000u); }

/// Of the bits of floats their order, and of an order the bits.
fn turned(bits: RowInts) -> RowInts { return bits ^ ((bits >> RowUints(31u)) & RowInts(0x7fffffff)); }

fn orderOf(s: Rows) -> RowInts { return select(turned(bitcast<RowInts>(s)), poison, isNaN(s)); }

/// What scores are taken relative to: 0 where the maximum is no finite number.
fn baseOf(order: RowInts) -> Rows {
  let isFinite = (order > lowest) & (order < poison);
  return bitcast<Rows>(select(RowInts(0), turned(order), isFinite));
}

struct Reduced { power: Rows, rest: Rows }

// x = n ln 2 + rest. ln 2 in two parts (Cody & Waite, 1980): the first has so few bits that its product with n is
// exact, so the rest is the same with and without a fused multiply-add.
fn reduce(x: Rows) -> Reduced {
  let n = round(x * 1.44269504);
  let most = fma(n, Rows(-0.693359375), x);
  let power = bitcast<Rows>((RowInts(n) + RowInts(127)) << RowUints(23u));
  return Reduced(power, fma(n, Rows(2.12194440e-4), most));
}

/// e^x for x <= 88; exactly 0 below -87.
fn exponential(x: Rows) -> Rows {
  let reduced = reduce(max(x, Rows(-87.0)));
  let r = reduced.rest;
  ${polynomial(expTerms)}
  return select(p * reduced.power, Rows(0.0), x < Rows(-87.0));
}

/// 1 / x with a step of Newton's: a division may be off by 2.5 ulp.
fn reciprocal(x: Rows) -> Rows {
  let r = 1.0 / x;
  return fma(r, fma(-x, r, Rows(1.0)), r);
}
`;
}

/** tanh x = t / (t + 2) with t = e^(2x) - 1, which no x robs of its precision; NaN stays NaN. */
export const tanhText = `
fn tanhOf(x: Rows) -> Rows {
  let bounded = clamp(x, Rows(-10.0), Rows(10.0));
  let reduced = reduce(bounded + bounded);
  let r = reduced.rest;
  ${polynomial(expm1Terms)}
  let t = fma(fma(p * r, r, r), reduced.power, reduced.power - Rows(1.0));
  let inverse = reciprocal(t + 2.0);
  let y = t * inverse;
  return select(fma(fma(-y, t + 2.0, t), inverse, y), x, isNaN(x));
}
`;
