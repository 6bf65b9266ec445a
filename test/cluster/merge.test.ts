// Shards in any order, some of them twice, put together: the bytes of one run, of every format.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { SequenceForm, SequenceName } from '../../src/files/sequences/sequences.js';
import type { Pooling, RunRequest } from '../../src/runs/request.js';
import { verifyOutputs } from '../../src/runs/verify-outputs.js';
import { openBench, requestFor, runBatch } from '../helpers/batch-run.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';
import { cutInto, isSame, shuffled } from '../helpers/sharded-run.js';

const bench = openBench();

interface Case {
  readonly extension: string;
  readonly lengths?: readonly (readonly number[])[];
  readonly from?: string;
  readonly form?: SequenceForm;
  readonly names?: readonly SequenceName[];
  readonly dtype?: RunRequest['dtype'];
  readonly pool?: Pooling;
}

const ragged = [[30, 5, 0, 0, 40], [12], [], [33, 9, 1, 0, 64, 2]];
const equal = [[9, 9, 9, 9], [9], [9, 9]];

/** One run, and the same in 1, 2, 5 and 16 shards. */
async function holds(t: ExecutionContext, given: Case): Promise<void> {
  const { extension, lengths = ragged, from = 'safetensors', form, names, dtype = 'f32', pool } = given;
  const folder = await makeFolder(t);
  const inputs = await Promise.all(
    lengths.map((own, n) =>
      writeSequences(join(folder, `x${n}.${from}`), makeSequences(own, n + 1, names && { names }), {
        ...(form && { form }),
      }),
    ),
  );
  const asked = { inputs, dtype, hasStatistics: true, ...(pool && { pool }) };
  const one = join(folder, `one.${extension}`);
  const request = await requestFor({ ...asked, output: one });
  const limits = { mostTokens: 16 };
  await runBatch(request, { bench: bench(), limits });
  for (const count of [1, 2, 5, 16]) {
    const output = join(folder, `of-${count}.${extension}`);
    const sharded = await cutInto(count, bench(), { ...asked, output });
    for (const number of shuffled(count, count)) await sharded.runShard(number, { limits });
    await sharded.merge({ recordBytes: 100 });
    await isSame(t, output, one);
    await isSame(t, join(folder, `of-${count}.statistics.jsonl`), join(folder, 'one.statistics.jsonl'));
    // What a later run finds.
    const again = await requestFor({ ...asked, output });
    const state = await runBatch(again, { bench: bench(), earlier: 'resume' });
    t.true(state.isComplete);
    t.is((await verifyOutputs(again, state)).files, 2);
  }
}

const merges = test.macro(holds);
test('.safetensors', merges, { extension: 'safetensors' });
test('.safetensors of bf16', merges, { extension: 'safetensors', dtype: 'bf16' });
test('.npy of equal lengths', merges, { extension: 'npy', lengths: equal });
test('.npy of f16', merges, { extension: 'npy', lengths: equal, dtype: 'f16' });
test('.npy of one sequence', merges, { extension: 'npy', lengths: [[21]], from: 'npy', form: 'single' });
test('.npy of pooled rows', merges, { extension: 'npy', pool: 'mean', lengths: [[3, 8], [5, 1]] }); // prettier-ignore
test('.jsonl', merges, { extension: 'jsonl' });
test('.arrow', merges, { extension: 'arrow' });
test('.arrows', merges, { extension: 'arrows' });
test('.parquet', merges, { extension: 'parquet' });
test('.parquet of f16, pooled', merges, { extension: 'parquet', dtype: 'f16', pool: 'last', lengths: equal });
for (const from of ['npz', 'jsonl', 'arrow', 'parquet']) {
  test(`.safetensors from .${from}`, merges, { extension: 'safetensors', from, lengths: [[7, 30, 2, 1]] });
}
const names = ['a', 'b/ä', '__proto__', 'd'];
test('.safetensors with a tensor a sequence', merges, {
  ...{ extension: 'safetensors', form: 'named', names, lengths: [[8, 30, 0, 3]] },
});
test('.jsonl with names', merges, { extension: 'jsonl', from: 'jsonl', names, lengths: [[8, 30, 0, 3]] });

test('a folder needs no merge: each shard writes its files under their own names', async (t) => {
  const folder = await makeFolder(t);
  const inputs = await Promise.all(
    ragged.map((own, n) => writeSequences(join(folder, `x${n}.safetensors`), makeSequences(own, n + 1))),
  );
  const [one, output] = ['one', 'many'].map((name) => `${join(folder, name)}/`) as [string, string];
  for (const path of [one, output]) await mkdir(path);
  await runBatch(await requestFor({ inputs, output: one }), { bench: bench() });
  const sharded = await cutInto(3, bench(), { inputs, output });
  for (const number of [3, 1, 2, 1]) await sharded.runShard(number);
  for (const n of ragged.keys()) {
    await isSame(t, join(output, `x${n}.safetensors`), join(one, `x${n}.safetensors`));
  }
});

test('statistics are numbered as in one run', async (t) => {
  const folder = await makeFolder(t);
  const x = await writeSequences(join(folder, 'x.npy'), makeSequences([4, 4, 4, 4, 4], 1));
  const asked = { inputs: [x], output: join(folder, 'y.npy'), hasStatistics: true };
  const sharded = await cutInto(4, bench(), asked);
  for (const number of [4, 3, 2, 1]) await sharded.runShard(number);
  await sharded.merge();
  const lines = (await readFile(join(folder, 'y.statistics.jsonl'), 'utf8')).trim().split('\n');
  t.deepEqual(
    lines.map((line) => (JSON.parse(line) as { readonly sequence: number }).sequence),
    [0, 1, 2, 3, 4],
  );
});
