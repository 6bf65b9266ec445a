// What every kernel must make of values so large that their sum overflows before it is divided, and of infinities and NaN
// among values, in every form of attention, as functions that throw.
import assert from 'node:assert/strict';
import type { AttentionBlock, BlockRules } from '../../workers/kernels/kernel.js';
import { attendOracle, type OracleInputs } from '../oracle/oracle.js';
import type { CaseOptions } from './attention-case.js';
import { attendRanges, decodingBlock, decodingCase, resultsOf } from './decode-block.js';
import type { KernelBench } from './kernel-bench.js';
import { attendNaive32 } from './naive32.js';
import { normalTensor, randomMask } from './random.js';
import { strided } from './strided.js';
import { findDeviation, PrecisionPool } from './tolerance.js';

type Form = (bench: KernelBench, block: AttentionBlock) => void;

/** The ways in which a few rows are attended. */
const forms: Readonly<Record<string, Form>> = {
  'as a block': ({ kernel }, block) => {
    kernel.attend({ ...block, isDecoding: false });
  },
  'decoding in one piece': ({ kernel }, block) => {
    kernel.attend(block);
  },
  'decoding over ranges': (bench, block) => {
    attendRanges(bench, block, 64);
  },
};

const [queries, group, keys, valueDim] = [4, 2, 200, 21];
const shape = { queries, keys, headDim: 5, valueDim };

// Their own rounding decides how exact weights can be, and the plain program may be luckier.
const farApart = 'scores far apart';

const rules: Readonly<Record<string, CaseOptions>> = {
  'nothing else': {},
  'equal scores': { scale: 0 },
  [farApart]: { spread: 12 },
  causality: { causal: 'top-left' },
  'a window': { causal: 'bottom-right', window: { left: 30 } },
  'a mask': { mask: randomMask([queries, keys], 2, 0.5) },
  'a bias': { bias: withLeftOut(normalTensor([queries, keys], 3)) },
  'sinks and factors of heads': { sinks: [6, -2], headScale: [-0.5, 1] },
  'a head switched off': { headScale: [0, 1] },
};

function withLeftOut({ shape: of, data }: ReturnType<typeof normalTensor>) {
  return { shape: of, data: data.map((value, n) => (n % 3 === 0 ? -Infinity : value)) };
}

/** The largest float32 numbers whose shares still leave room for the roundings of their sum. */
const huge = 3e38;

/** Columns of huge values, of one sign, of both, and of one that changes with the tiles; between them others as they were. */
function swell(v: ArrayLike<number>): Float32Array {
  return Float32Array.from(v, (value, n) => {
    const [j, d] = [Math.floor(n / valueDim), n % valueDim];
    const signs = [1, 0, -1, j % 2 === 0 ? 1 : -1, 0, Math.floor(j / 64) % 2 === 0 ? -1 : 1, value];
    const sign = Math.sign(signs[d % signs.length]!);
    return sign === 0 ? value : sign * huge * (1 - (j % 5) / 8);
  });
}

/** A block of a case; its keys and values lie in the arena. */
function blockOfCase({ place }: KernelBench, oracle: OracleInputs, options: CaseOptions) {
  const { sinks, headScale, mask, bias, scale, causal, window } = options;
  const perHead = (numbers: readonly number[]) => strided(place(numbers), { headStride: 1 });
  const given: Partial<BlockRules> = {
    ...(scale !== undefined && { scale }),
    ...(sinks && { sinks: perHead(sinks) }),
    ...(headScale && { headScale: perHead(headScale) }),
    ...(mask && { mask: strided({ data: mask.data, offset: 0 }, { rowStride: keys }) }),
    ...(bias && { bias: strided(place(bias.data), { rowStride: keys }) }),
    ...(causal && { right: 0 }),
    ...(window && { left: window.left! }),
  };
  const position = causal === 'bottom-right' ? keys - queries : 0;
  return { ...decodingBlock(place, place, oracle, given), position };
}

function runForm(bench: KernelBench, form: Form, oracle: OracleInputs, options: CaseOptions): Float32Array {
  const block = blockOfCase(bench, oracle, options);
  form(bench, block);
  return resultsOf(block).output;
}

export function checkOverflow(bench: KernelBench): void {
  const pool = new PrecisionPool();
  for (const [title, options] of Object.entries(rules)) {
    const usual = decodingCase(group, { ...shape, ...options });
    const oracle = { ...usual, v: swell(usual.v) };
    const [wanted, naive] = [attendOracle(oracle).output, attendNaive32(oracle).output];
    assert.ok(wanted.some((value) => Math.abs(value) > huge / 8));
    for (const [form, run] of Object.entries(forms)) {
      const actual = runForm(bench, run, oracle, options);
      const before = runForm(bench, run, usual, options);
      const label = `${title}, ${form}`;
      assert.equal(
        findDeviation(actual, wanted, (title === farApart ? 1e-4 : 1e-6) * huge, 0),
        undefined,
        label,
      );
      if (title !== farApart) pool.add({ actual, oracle: wanted, naive }, label);
      for (let d = 0; d < valueDim; d++) {
        const columnOf = (numbers: ArrayLike<number>) =>
          Array.from({ length: group * queries }, (_, row) => numbers[row * valueDim + d]!);
        const isUsual = oracle.v[d] === usual.v[d];
        if (isUsual) assert.deepEqual(columnOf(actual), columnOf(before), `${label}, usual column ${d}`);
      }
    }
  }
  assert.equal(pool.findProblem(), undefined);
}

export function checkOverflowAlone(bench: KernelBench): void {
  const { kernel, place } = bench;
  const usual = decodingCase(group, shape);
  const oracle = { ...usual, v: swell(usual.v) };
  for (const isDecoding of [false, true]) {
    const block = { ...decodingBlock(place, place, oracle), isDecoding };
    kernel.attend(block);
    const together = resultsOf(block).output;
    for (let row = 0; row < group * queries; row++) {
      const output = place(new Float32Array(valueDim));
      const query = { ...block.query, offset: block.query.offset + row * shape.headDim };
      kernel.attend({ ...block, group: 1, queries: 1, query, output: { ...block.output, ...output } });
      assert.deepEqual(
        output.data.slice(output.offset, output.offset + valueDim),
        together.slice(row * valueDim, (row + 1) * valueDim),
        `row ${row}, ${isDecoding ? 'decoding' : 'as a block'}`,
      );
    }
  }
}

export function checkInfiniteValues(bench: KernelBench): void {
  for (const [title, options] of Object.entries(rules)) {
    // A weight below the smallest number is 0 to some and not to others, and 0 · ∞ is NaN.
    if (title === farApart) continue;
    const usual = decodingCase(group, { ...shape, ...options });
    for (const [j, number] of [
      [0, NaN],
      [7, Infinity],
      [100, -Infinity],
      [199, Infinity],
    ] as const) {
      const v = swell(usual.v);
      for (const d of [1, 2, 20]) v[j * valueDim + d] = number;
      const oracle = { ...usual, v };
      const wanted = attendOracle(oracle).output;
      for (const [form, run] of Object.entries(forms)) {
        runForm(bench, run, oracle, options).forEach((value, n) => {
          const label = `${title}, ${number} in value ${j}, ${form}, element ${n}`;
          if (Number.isFinite(wanted[n])) assert.ok(Number.isFinite(value), label);
          else assert.equal(value, wanted[n], label);
        });
      }
    }
  }
}
