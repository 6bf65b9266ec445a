// What the records of a manifest add up to.
import test from 'ava';
import { RunState, type ChunkRecord } from '../../src/runs/manifest.js';
import type { RunRequest } from '../../src/runs/request.js';
import { HeadpoolError } from '../../src/core/errors.js';
import { smallWeights } from '../helpers/batch-run.js';

const request: RunRequest = {
  inputs: [0, 0, 1].map((target, n) => ({ path: `${n}.jsonl`, target })),
  targets: ['a', 'b'].map((name) => ({ path: `${name}.jsonl`, format: 'jsonl' as const })),
  weights: smallWeights,
  options: {},
  dtype: 'f32',
  onError: 'stop',
};

const part = (begin: number, byteLength: number) => ({ begin, byteLength, checksum: 1 });

const records: readonly ChunkRecord[] = [
  {
    chunk: 0,
    portions: [
      {
        input: 0,
        end: { sequence: 2, byte: 70 },
        isEnded: false,
        lengths: [3, 4],
        names: ['u', null],
        failures: [],
        parts: { rows: part(0, 10) },
      },
    ],
    finished: [],
  },
  {
    chunk: 1,
    portions: [
      {
        input: 0,
        end: { sequence: 4 },
        isEnded: true,
        lengths: [5],
        failures: [{ input: 0, sequence: 3, message: 'odd' }],
        parts: { rows: part(10, 5) },
      },
      {
        input: 1,
        end: { sequence: 0 },
        isEnded: true,
        lengths: [],
        failures: [{ input: 1, message: 'gone' }],
      },
    ],
    finished: [{ target: 0, parts: { prologue: part(0, 1), epilogue: part(15, 2) } }],
  },
  {
    chunk: 2,
    portions: [{ input: 2, end: { sequence: 0 }, isEnded: true, lengths: [], failures: [] }],
    finished: [{ target: 1 }],
  },
];

function replay(count: number): RunState {
  const state = new RunState(request);
  for (const record of records.slice(0, count)) state.add(JSON.parse(JSON.stringify(record)) as object as Record<string, unknown>, 'm'); // prettier-ignore
  return state;
}

test('nothing recorded is a run at its beginning', (t) => {
  const state = replay(0);
  t.deepEqual([0, 1, 2].map((input) => state.placeOf(input)), new Array(3).fill({ sequence: 0 })); // prettier-ignore
  t.like(state, { chunks: 0, sequences: 0, tokens: 0, isComplete: false, failures: [] });
  t.false(state.isFinished(0));
});

test('after a chunk an input goes on where the chunk ended', (t) => {
  const state = replay(1);
  t.deepEqual(state.placeOf(0), { sequence: 2, byte: 70 });
  t.deepEqual(state.placeOf(1), { sequence: 0 });
  t.like(state, { chunks: 1, sequences: 2, tokens: 7 });
  t.deepEqual(state.partsOf(0), [
    { sequences: { lengths: [3, 4], names: ['u', '0.jsonl#1'] }, parts: { rows: part(0, 10) } },
  ]);
});

test('a sequence without a name is called by its file and its number in it, those left out counted', (t) => {
  const [, second] = replay(2).partsOf(0);
  // Numbers 0 and 1 came before, and 3 was left out.
  t.deepEqual(second!.sequences.names, ['0.jsonl#2']);
});

test('each input has its own sequences, tokens and checksum', (t) => {
  const state = replay(3);
  t.like(state.inputs[0], { isBegun: true, sequences: 3, tokens: 12, checksum: undefined });
  t.like(state.inputs[2], { isBegun: true, sequences: 0, tokens: 0 });
  const [portion] = records[0]!.portions;
  state.addChunk({ portions: [{ ...portion!, checksum: 7 }], finished: [] });
  t.is(state.inputs[0]!.checksum, 7);
});

test('what is told of inputs that have gone changes nothing', (t) => {
  const state = replay(1);
  const [portion] = records[0]!.portions;
  state.addChunk({ portions: [{ ...portion!, input: 3 }], finished: [{ target: 2 }] });
  t.like(state, { chunks: 2, sequences: 2, tokens: 7 });
  t.false(state.isFinished(2));
});

test('an input that has ended has no place, and what was left out is kept', (t) => {
  const state = replay(2);
  t.is(state.placeOf(0), undefined);
  t.is(state.placeOf(1), undefined);
  t.deepEqual(state.failures, [
    { input: 0, sequence: 3, message: 'odd' },
    { input: 1, message: 'gone' },
  ]);
  t.is(state.partsOf(0).length, 2);
  t.like(state, { sequences: 3, tokens: 12 });
});

test('a target is finished with what stands around its rows, or given up', (t) => {
  const state = replay(3);
  t.deepEqual(state.finishOf(0), { prologue: part(0, 1), epilogue: part(15, 2) });
  t.true(state.isFinished(1));
  t.is(state.finishOf(1), undefined);
  t.deepEqual(state.partsOf(1), []);
  t.false(state.isComplete);
  state.add({ complete: true }, 'm');
  t.true(state.isComplete);
});

const wrong: Readonly<Record<string, object>> = {
  'a chunk twice': { ...records[1], chunk: 0 },
  'a chunk too far': { ...records[1], chunk: 2 },
  'no chunk': { portions: [], finished: [] },
  'no portions': { chunk: 1, finished: [] },
  'portions that are no list': { chunk: 1, portions: {}, finished: [] },
  'nothing finished': { chunk: 1, portions: [] },
};

for (const [name, record] of Object.entries(wrong)) {
  test(`a record of ${name} is refused, saying which chunk should come`, (t) => {
    const state = replay(1);
    const add = () => {
      state.add(record as Record<string, unknown>, 'some.manifest');
    };
    const error = t.throws(add, { instanceOf: HeadpoolError });
    t.is(error.code, 'INVALID_FILE');
    t.regex(error.message, /^some\.manifest: expected chunk 1 for `record`/);
    t.is(state.chunks, 1);
  });
}
