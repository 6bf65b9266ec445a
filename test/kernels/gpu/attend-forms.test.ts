// The forms of the GPU's attention, without a device: what they take, held against the texts made from them.
import test from 'ava';
import { entryWords } from '../../../src/core/protocol/tables.js';
import { canUseVectors } from '../../../workers/kernels/gpu/attend/alignment.js';
import { attendBindings, attendShader } from '../../../workers/kernels/gpu/attend/attend.js';
import { costOf } from '../../../workers/kernels/gpu/attend/cost.js';
import { formFor, type AttendForm, type HeadWidths } from '../../../workers/kernels/gpu/attend/form.js';
import { inspectBindings } from '../../../workers/kernels/gpu/attend/inspect.js';
import { fillParameters } from '../../../workers/kernels/gpu/attend/parameters.js';
import { groupsOf } from '../../../workers/kernels/gpu/attend/plan.js';
import { rowStatisticsBindings } from '../../../workers/kernels/gpu/attend/row-statistics.js';

const plain = { isRich: false, vectors: true, carry: false };
const full = { isRich: true, vectors: false, carry: true };

const formOf = (kibi: number, headDim: number, valueDim: number, options = plain): AttendForm => ({
  ...formFor({ maxComputeWorkgroupStorageSize: kibi * 1024 }, headDim, valueDim),
  ...options,
});

const widths = [1, 5, 8, 16, 33, 64, 65, 80, 96, 128, 129, 160, 192, 255, 256];
const count = (text: string, part: string | RegExp): number => text.split(part).length - 1;

/** Bytes of the workgroup's variables, as the text declares them. */
function declaredBytes(code: string, rowsPerThread: number): number {
  let bytes = 0;
  for (const [, type, length] of code.matchAll(/^var<workgroup> \w+: array<([\w<>]+), (\d+)>/gm)) {
    bytes += Number(length) * (type === 'vec4<f32>' ? 16 : 4 * rowsPerThread);
  }
  return bytes + 4 * count(code, 'atomic<u32>;');
}

for (const kibi of [16, 32, 48]) {
  test(`every form fits ${kibi} KiB of workgroup memory, 32 KiB at most, and 256 threads`, (t) => {
    for (const headDim of widths) {
      for (const valueDim of widths) {
        const form = formOf(kibi, headDim, valueDim);
        const { workgroupBytes, threads, registers } = costOf(form, { headDim, valueDim });
        const label = `${headDim} and ${valueDim}`;
        t.true(workgroupBytes <= Math.min(kibi, 32) * 1024, label);
        t.is(workgroupBytes, declaredBytes(attendShader(form).code, form.rowsPerThread), label);
        t.true(threads <= 256 && form.tileKeys <= 32 && registers <= 192, `${label}: ${registers} registers`);
      }
    }
  });
}

test('barriers and loads of a text are those that its form says', (t) => {
  for (const kibi of [16, 32]) {
    for (const [headDim, valueDim] of [
      [8, 8],
      [64, 64],
      [64, 130],
      [256, 40],
      [256, 256],
    ] as const) {
      for (const options of [plain, full]) {
        const form = formOf(kibi, headDim, valueDim, options);
        const { code } = attendShader(form);
        const { barriersPerTile, barriersOfRows, barriersPerKey, scoreLoads, valueLoads } = costOf(form, {
          headDim,
          valueDim,
        });
        const start = code.indexOf('for (var t = ');
        const end = code.indexOf('// pass 4');
        t.is(barriersOf(code.slice(start, end), form, { headDim, valueDim }), barriersPerTile);
        t.is(count(code.slice(end), 'workgroupBarrier();'), barriersOfRows);
        t.is(count(code.slice(0, start), 'workgroupBarrier();'), 0);
        t.is(barriersPerKey * form.tileKeys, barriersPerTile);
        const [scoreStep] = stepsOf(code, 'for (var d = chunk');
        t.is(count(scoreStep!, /queryTile\[|keyTile\[/), scoreLoads);
        const steps = stepsOf(code, 'for (var key = 0u').map((step) => count(step, /scoreTile\[|keyTile\[/));
        t.is(Math.max(...steps), valueLoads);
      }
    }
  }
});

/** Those that a thread comes by where a text has loops over the pieces of keys and of values, in which some are skipped at first. */
function barriersOf(text: string, form: AttendForm, { headDim, valueDim }: HeadWidths): number {
  const [before, ofKeys, ofValues] = text.split('for (var first = 0u');
  const inPieces = (loop: string, dims: number, pieceVectors: number): number => {
    const pieces = Math.ceil(dims / 4 / pieceVectors);
    const later = count(loop, 'if (first > 0u) { workgroupBarrier(); }');
    const ofPiece = loop.slice(0, loop.indexOf(loop.includes('a0_0') ? 'var a0_0' : 'var part0'));
    return (
      count(loop, 'workgroupBarrier();') -
      count(ofPiece, 'workgroupBarrier();') +
      pieces * (count(ofPiece, 'workgroupBarrier();') - later) +
      (pieces - 1) * later
    );
  };
  return (
    count(before!, 'workgroupBarrier();') +
    inPieces(ofKeys!, headDim, form.pieceVectors) +
    inPieces(ofValues!, valueDim, Math.min(form.pieceVectors, form.outputVectors))
  );
}

/** The bodies of the loops that begin so, which hold no other braces. */
function stepsOf(code: string, head: string): string[] {
  return code
    .split(head)
    .slice(1)
    .map((rest) => rest.slice(rest.indexOf('{'), rest.indexOf('}')));
}

test('no shader binds more than 8 buffers, and the uniform block holds 256 bytes at most', (t) => {
  const form = formOf(16, 8, 8, full);
  t.is(attendBindings(form).length, 8);
  t.true(inspectBindings({ ...form, writes: 'weights' }).length <= 8);
  t.true(rowStatisticsBindings(form).length <= 8);
  t.true(fillParameters({}).byteLength <= 256);
});

test('a plain text has no rules that few calls have, and none of carrying', (t) => {
  const { code } = attendShader(formOf(32, 64, 64));
  for (const word of [
    'bias[',
    'mask[',
    'tanhOf',
    'slopeOf(p',
    'sinkOf(p',
    'headScaleOf(p',
    'extra_key',
    'let carry',
  ])
    t.false(code.includes(word), word);
  t.true(attendShader(formOf(32, 64, 64, full)).code.length > code.length);
});

test('heads of nearly the same width share a text, whatever their options', (t) => {
  const textsOf = (dims: readonly number[]) =>
    new Set(dims.map((d) => attendShader(formOf(32, d, d)).code)).size;
  t.is(textsOf(Array.from({ length: 32 }, (_, n) => n + 1)), 1);
  t.is(textsOf(Array.from({ length: 32 }, (_, n) => n + 33)), 1);
  t.is(textsOf(Array.from({ length: 256 }, (_, n) => n + 1)), 5);
});

test('vectors are used where widths, strides and offsets are all multiples of 4', (t) => {
  const place = { offset: 4, entryStride: 0, headStride: 8, rowStride: 16, columnStride: 1 };
  const given = { headDim: 8, valueDim: 4, entries: new Float64Array(2 * entryWords.count).fill(4) };
  const places = { query: place, key: place, value: place, output: place };
  t.true(canUseVectors({ ...given, ...places }));
  t.false(canUseVectors({ ...given, ...places, valueDim: 3 }));
  t.false(canUseVectors({ ...given, ...places, output: { ...place, rowStride: 2 } }));
  t.false(canUseVectors({ ...given, ...places, key: { ...place, offset: 1 } }));
  const entries = given.entries.slice();
  entries[entryWords.count + entryWords.valueOffset] = 6;
  t.false(canUseVectors({ ...given, ...places, entries }));
});

test('counts of tiles over 65,535 are folded', (t) => {
  t.deepEqual(groupsOf(65_535), [65_535, 1, 1]);
  t.deepEqual(groupsOf(65_536), [65_535, 2, 1]);
});

test('heads that no form holds are refused', (t) => {
  t.throws(() => formOf(16, 5000, 64), { instanceOf: RangeError, message: /16384 bytes/ });
});
