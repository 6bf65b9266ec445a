import test from 'ava';
import type { SequenceStream } from '../../../../src/files/sequences/sequences.js';
import { assertRefused } from '../../../helpers/assertions.js';
import { chunksOf, embedding, good, namesOf, open, path, readAll } from '../../../helpers/jsonl-streams.js';

test('Lines become sequences with their names and numbers', async (t) => {
  const text = '{"id":"a","x":[[1,2],[3,-4.5e-1]]}\n{"x":[],"id":7}\n {"x" : [ [ 0.1 ,\t-0 ] ] } \n';
  const found = await readAll(await open(text));
  t.deepEqual(namesOf(found), ['a', 7, null]);
  t.deepEqual(
    found.map(({ rows }) => rows),
    [[1, 2, 3, Math.fround(-0.45)], [], [Math.fround(0.1), -0]],
  );
});

test('Token ids become rows of the embedding', async (t) => {
  const found = await readAll(await open('{"tokens":[1,4]}\n{"tokens":[]}\n', { embedding }));
  t.deepEqual(
    found.map(({ rows }) => rows),
    [[1, 10, 4, 40], []],
  );
});

test('An embedding of another width is refused when the stream opens', async (t) => {
  await assertRefused(t, () => open(good, { modelDim: 3, embedding }), {
    code: 'INVALID_SHAPE',
    what: 'the width 3 for `embedding.modelDim`, got `2`',
  });
});

/** The lengths of each span, or 'damaged'. */
async function spansOf(stream: SequenceStream, mostTokens: number): Promise<unknown[]> {
  const spans: unknown[] = [];
  for (;;) {
    const span = await stream.next(mostTokens);
    if (span === undefined) return spans;
    spans.push('error' in span ? 'damaged' : span.lengths);
  }
}

test('A span holds what fits, at least one sequence, and ends before damage', async (t) => {
  const sequence = (length: number) => `{"x":[${new Array(length).fill('[1,2]').join()}]}\n`;
  const text = [2, 1, 0, 3, 9, 0].map(sequence).join('') + '!\n!\n' + [1, 0, 0].map(sequence).join('');
  const damaged = 'damaged';
  t.deepEqual(await spansOf(await open(text), 3), [[2, 1, 0], [3], [9], [0], damaged, damaged, [1, 0, 0]]);
  t.deepEqual(await spansOf(await open(text), 0), [
    [2],
    [1],
    [0],
    [3],
    [9],
    [0],
    damaged,
    damaged,
    [1],
    [0, 0],
  ]);
  t.deepEqual(await spansOf(await open(text), Infinity), [[2, 1, 0, 3, 9, 0], damaged, damaged, [1, 0, 0]]);
});

test('A file of sequences without tokens comes in spans of bounded size', async (t) => {
  const stream = await open('', { bytes: chunksOf('{"x":[]}\n'.repeat(70_000), 2 ** 16) });
  const spans = (await spansOf(stream, 1)) as number[][];
  t.deepEqual(
    spans.map(({ length }) => length),
    [65536, 4464],
  );
});

test('Spans are read in any order, each once and into memory of its size', async (t) => {
  const stream = await open('{"x":[[1,2]]}\n{"tokens":[3]}\n', { embedding });
  const [first, second] = [await stream.next(1), await stream.next(1)];
  if (first === undefined || second === undefined || 'error' in first || 'error' in second) {
    return void t.fail();
  }
  const target = new Float32Array(new SharedArrayBuffer(8));
  await second.read(target);
  t.deepEqual([...target], [3, 30]);
  await assertRefused(t, () => first.read(new Float32Array(3)), {
    code: 'INVALID_SHAPE',
    what: '2 numbers for `target`',
  });
  await first.read(target);
  t.deepEqual([...target], [1, 2]);
  await assertRefused(t, () => first.read(target), { code: 'INVALID_OPTION', path, what: 'only once' });
});
