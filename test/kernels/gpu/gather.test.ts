// Heads copied on the software device, against the phase that copies them on the CPU.
import test from 'ava';
import { entryWords } from '../../../src/core/protocol/tables.js';
import type { HeadCopy } from '../../../src/core/protocol/head-work.js';
import { regionOf, RegionViews } from '../../../src/core/tensor/region.js';
import { gatherUnits } from '../../../workers/phases/gather.js';
import {
  gatheredRows,
  gatherGroups,
  gatherShader,
  gatherUniform,
  gatherWidth,
} from '../../../workers/kernels/gpu/gather.js';
import { assertSameBytes } from '../../helpers/assertions.js';
import { normalTensor } from '../../helpers/random.js';
import { runShader } from '../../helpers/shader-bench.js';
import { gpuTest } from '../../helpers/software-gpu.js';
import { strided } from '../../helpers/strided.js';

interface GatherCase {
  readonly operand: HeadCopy['operand'];
  readonly heads: number;
  readonly dims: number;
  /** Tokens of each entry. */
  readonly tokens: readonly number[];
  /** Numbers between the heads of a row, and tokens that nobody asks for between the entries. */
  readonly gap?: number;
}

const offsetWord = {
  query: entryWords.queryOffset,
  key: entryWords.keyOffset,
  value: entryWords.valueOffset,
};

/** Token-major heads to head-major ones. */
function prepare({ operand, heads, dims, tokens, gap = 0 }: GatherCase) {
  const rows = tokens.reduce((sum, count) => sum + count, 0);
  const headStride = dims + gap;
  const rowStride = heads * headStride;
  const source = normalTensor([(rows + gap * tokens.length) * rowStride], 4).data;
  const target = normalTensor([rows * heads * dims], 5).data;
  const [from, to] = [
    new Float64Array(tokens.length * entryWords.count),
    new Float64Array(tokens.length * entryWords.count),
  ];
  let row = 0;
  tokens.forEach((count, entry) => {
    const at = entry * entryWords.count;
    from[at + (operand === 'query' ? entryWords.queries : entryWords.keys)] = count;
    from[at + offsetWord[operand]] = (row + gap * entry) * rowStride;
    to[at + offsetWord[operand]] = row * dims;
    row += count;
  });
  const copy: HeadCopy = {
    operand,
    heads,
    dims,
    from: strided({ data: regionOf(source), offset: 0 }, { headStride, rowStride }),
    to: strided({ data: regionOf(target), offset: 0 }, { headStride: rows * dims, rowStride: dims }),
  };
  return { copy, source, target, tables: [from, to] as const };
}

function copies(title: string, options: GatherCase, width: 1 | 4): void {
  gpuTest(title, async (t) => {
    const { copy, source, target, tables } = prepare(options);
    const rows = gatheredRows(copy, tables);
    t.is(gatherWidth(copy, rows), width);
    const [, , copied] = await runShader(
      gatherShader(width),
      gatherUniform(width, copy, rows),
      [rows, source, target],
      gatherGroups(width, copy, rows),
    );
    const run = gatherUnits({ kind: 'gather', copies: [copy] }, tables, new RegionViews(undefined));
    options.tokens.forEach((_, entry) => {
      run(Int32Array.of(entry, 0, options.heads, 0, 0));
    });
    assertSameBytes(t, copied, target);
  });
}

copies(
  'heads are copied, four numbers at a time',
  { operand: 'query', heads: 3, dims: 8, tokens: [5, 0, 7] },
  4,
);
copies('odd heads are copied', { operand: 'key', heads: 2, dims: 7, tokens: [4, 1] }, 1);
copies(
  'heads that lie apart are copied',
  { operand: 'value', heads: 5, dims: 12, tokens: [9, 3], gap: 3 },
  1,
);
copies('one number is copied', { operand: 'key', heads: 1, dims: 1, tokens: [1] }, 1);
copies('more than a workgroup copies', { operand: 'value', heads: 6, dims: 20, tokens: [30, 41], gap: 4 }, 4);

gpuTest('bits of NaN stay what they are', async (t) => {
  const { copy, source, target, tables } = prepare({ operand: 'key', heads: 1, dims: 4, tokens: [2] });
  const bits = new Uint32Array(source.buffer);
  bits.set([0x7fc12345, 0xffc00001, 0x7f800001, 0x80000000]);
  const rows = gatheredRows(copy, tables);
  const [, , copied] = await runShader(
    gatherShader(4),
    gatherUniform(4, copy, rows),
    [rows, bits.slice(), new Uint32Array(target.length)],
    gatherGroups(4, copy, rows),
  );
  t.deepEqual([...copied], [...bits.subarray(0, 8)]);
});

test('nothing to copy takes no workgroup', (t) => {
  const { copy, tables } = prepare({ operand: 'query', heads: 2, dims: 4, tokens: [0] });
  const rows = gatheredRows(copy, tables);
  t.is(rows.length, 0);
  t.deepEqual(gatherGroups(4, copy, rows), [0, 1, 1]);
});
