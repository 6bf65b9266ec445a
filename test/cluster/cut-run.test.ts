// Cuts of files: every sequence in one shard, in order, the shards about the same, whoever cuts.
import { join } from 'node:path';
import { utimes } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { cutRun, type ShardInput } from '../../src/cluster/cut-run.js';
import { RunPlanner } from '../../src/runs/planner.js';
import type { RunRequest } from '../../src/runs/request.js';
import { assertRefused } from '../helpers/assertions.js';
import { heads, requestFor } from '../helpers/batch-run.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';

function cut(request: RunRequest, shards: number) {
  return cutRun(request, new RunPlanner(request, heads, heads), shards);
}

/** The sequences of each input that the shards have, as they come. */
function sequencesOf(shards: readonly (readonly ShardInput[])[], counts: readonly number[]): number[][] {
  const sequences: number[][] = counts.map(() => []);
  for (const { input, range } of shards.flat()) {
    const first = range?.start.sequence ?? 0;
    const end = first + (range?.sequences ?? counts[input]!);
    for (let sequence = first; sequence < end; sequence++) sequences[input]!.push(sequence);
  }
  return sequences;
}

async function write(t: ExecutionContext, extension: string, files: readonly (readonly number[])[]) {
  const folder = await makeFolder(t);
  const write = (lengths: readonly number[], seed: number) =>
    writeSequences(join(folder, `${seed}.${extension}`), makeSequences(lengths, seed));
  return { folder, inputs: await Promise.all(files.map(write)) };
}

for (const extension of ['safetensors', 'jsonl', 'arrow', 'parquet']) {
  test(`every sequence of .${extension} files is in one shard, in their order`, async (t) => {
    const files = fc.array(fc.array(fc.nat(40), { maxLength: 12 }), { minLength: 1, maxLength: 4 });
    const property = fc.asyncProperty(files, fc.integer({ min: 1, max: 9 }), async (lengths, count) => {
      const { folder, inputs } = await write(t, extension, lengths);
      const request = await requestFor({ inputs, output: join(folder, 'y.safetensors') });
      const { shards } = await cut(request, count);
      const counts = lengths.map((of) => of.length);
      t.is(shards.length, count);
      t.deepEqual(sequencesOf(shards, counts), counts.map((of) => [...new Array(of).keys()])); // prettier-ignore
      t.deepEqual((await cut(request, count)).shards, shards, 'another cut of the same');
    });
    await fc.assert(property, { seed: 3, numRuns: 25 });
  });
}

test('shards of one large file are about the same', async (t) => {
  const lengths = Array.from({ length: 300 }, (_, n) => (n * 37) % 60);
  const { folder, inputs } = await write(t, 'safetensors', [lengths]);
  const request = await requestFor({ inputs, output: join(folder, 'y.safetensors') });
  const planner = new RunPlanner(request, heads, heads);
  const flop = (of: readonly number[]): number =>
    of.reduce((sum, length) => sum + (length === 0 ? 0 : planner.plan([0, length]).flop), 0);
  const { shards, works: told } = await cut(request, 7);
  const works = shards.map(([own, ...others], shard) => {
    t.is(others.length, 0);
    const { start, sequences, tokens } = own!.range!;
    const work = flop(lengths.slice(start.sequence, start.sequence + sequences));
    t.is(told[shard]!.tokens, tokens);
    // Lengths are rounded to a 16th of their power of two.
    t.true(Math.abs(told[shard]!.flop / work - 1) < 0.05, `${told[shard]!.flop} of ${work}`);
    return work;
  });
  const [share, largest] = [flop(lengths) / 7, flop([59])];
  for (const work of works) t.true(Math.abs(work - share) < largest, `${work} of ${share}`);
});

test('files of a folder of outputs stay whole', async (t) => {
  const { folder, inputs } = await write(t, 'safetensors', [[50, 50, 50], [1], [2]]);
  const request = await requestFor({ inputs, output: `${join(folder, 'out')}/` });
  const { shards } = await cut(request, 5);
  t.deepEqual(
    shards.flat(),
    [0, 1, 2].map((input) => ({ input })),
  );
});

test('the cut knows nothing of times and names', async (t) => {
  const lengths = [
    [30, 2, 14],
    [7, 7],
  ];
  const [one, other] = await Promise.all([write(t, 'jsonl', lengths), write(t, 'jsonl', lengths)]);
  await utimes(other.inputs[0]!, 1, 1);
  const [a, b] = await Promise.all(
    [one, other].map(async ({ folder, inputs }) =>
      cut(await requestFor({ inputs, output: join(folder, 'y.npy') }), 3),
    ),
  );
  t.deepEqual(a, b);
});

test('what the run would refuse is refused before it is cut', async (t) => {
  const folder = await makeFolder(t);
  const x = await writeSequences(join(folder, 'x.npy'), makeSequences([3, 3], 1, { width: 5 }));
  const request = await requestFor({ inputs: [x], output: join(folder, 'y.npy') });
  await assertRefused(t, () => cut(request, 2), { code: 'INVALID_SHAPE', path: x });
});
