// NaN and infinities in inputs, of every format alike: counted, refused by name, or left out with their sequence alone.
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { RunRequest } from '../../src/runs/request.js';
import { assertRefused } from '../helpers/assertions.js';
import { openBench, requestFor, runBatch } from '../helpers/batch-run.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, readSequences, writeSequences } from '../helpers/sequence-files.js';

const bench = openBench();
const lengths = [3, 3, 3, 3];
const limits = { mostTokens: 7 };

/** NaN and -Infinity in sequence 1, Infinity in sequence 2. */
function damaged() {
  const given = makeSequences(lengths, 3);
  given.rows[8 * 4 + 2] = NaN;
  given.rows[8 * 5] = -Infinity;
  given.rows[8 * 6 + 7] = Infinity;
  return given;
}

async function prepare(
  t: ExecutionContext,
  name: string,
  asked: Pick<Partial<RunRequest>, 'nonFinite' | 'onError'> = {},
) {
  const folder = await makeFolder(t);
  const form = name.endsWith('.npy') ? 'stacked' : 'packed';
  const x = await writeSequences(join(folder, name), damaged(), { form });
  const request = await requestFor({ inputs: [x], output: join(folder, 'y.safetensors'), ...asked });
  return { folder, x, request };
}

for (const name of ['x.safetensors', 'x.npy', 'x.npz', 'x.jsonl', 'x.arrow', 'x.parquet']) {
  test(`${name}: they are kept and counted, and rows of other sequences are what they were`, async (t) => {
    const { folder, request } = await prepare(t, name);
    const state = await runBatch(request, { bench: bench(), limits });
    t.deepEqual(state.inputs[0]!.nonFinite, { numbers: 3, sequences: 2 });
    const { rows } = await readSequences(join(folder, 'y.safetensors'));
    const isFinite = [0, 1, 2, 3].map((n) => rows.subarray(24 * n, 24 * n + 24).every(Number.isFinite));
    t.deepEqual(isFinite, [true, false, false, true]);
  });

  test(`${name}: they are refused where that is asked for`, async (t) => {
    const { x, request } = await prepare(t, name, { nonFinite: 'error' });
    await assertRefused(t, () => runBatch(request, { bench: bench(), limits }), {
      code: 'INVALID_FILE',
      message: `${x}: expected finite numbers in sequence 1, got NaN at token 1, number 2`,
    });
  });

  test(`${name}: their sequences alone are left out where damage is skipped`, async (t) => {
    const { folder, request } = await prepare(t, name, { nonFinite: 'error', onError: 'skip' });
    const state = await runBatch(request, { bench: bench(), limits });
    t.deepEqual(
      state.failures.map(({ input, sequence }) => [input, sequence]),
      [
        [0, 1],
        [0, 2],
      ],
    );
    t.deepEqual(state.inputs[0]!.nonFinite, { numbers: 0, sequences: 0 });
    const whole = await writeSequences(join(folder, 'w.safetensors'), makeSequences(lengths, 3));
    const other = await requestFor({ inputs: [whole], output: join(folder, 'z.safetensors') });
    await runBatch(other, { bench: bench() });
    const [kept, all] = [
      await readSequences(join(folder, 'y.safetensors')),
      await readSequences(join(folder, 'z.safetensors')),
    ];
    t.deepEqual(kept.lengths, [3, 3]);
    t.deepEqual([...kept.rows], [...all.rows.subarray(0, 24), ...all.rows.subarray(72)]);
    t.deepEqual(
      kept.names,
      [0, 3].map((n) => `${request.inputs[0]!.path}#${n}`),
    );
  });
}

test('A file whose header lists its sequences is written without those that are left out', async (t) => {
  const folder = await makeFolder(t);
  const given = { ...damaged(), names: ['a', 'b', 'c', 'd'] };
  const x = await writeSequences(join(folder, 'x.safetensors'), given, { form: 'named' });
  const y = join(folder, 'y.safetensors');
  const request = await requestFor({ inputs: [x], output: y, nonFinite: 'error', onError: 'skip' });
  await runBatch(request, { bench: bench(), limits });
  t.deepEqual((await readSequences(y)).names, ['a', 'd']);
});

test('A run that listed its sequences does not go on with others in their midst', async (t) => {
  const folder = await makeFolder(t);
  const given = { ...damaged(), names: ['a', 'b', 'c', 'd'] };
  const x = await writeSequences(join(folder, 'x.safetensors'), given, { form: 'named' });
  const asked = { inputs: [x], output: join(folder, 'y.safetensors'), nonFinite: 'error' } as const;
  const small = { bench: bench(), limits: { mostTokens: 3 } };
  await assertRefused(t, async () => runBatch(await requestFor(asked), small), { code: 'INVALID_FILE' });
  const skipping = await requestFor({ ...asked, onError: 'skip' });
  await assertRefused(t, () => runBatch(skipping, { ...small, earlier: 'resume' }), {
    code: 'INVALID_FILE',
    what: 'as another `--on-error` makes it',
  });
  await runBatch(skipping, { ...small, earlier: 'restart' });
  t.deepEqual((await readSequences(join(folder, 'y.safetensors'))).names, ['a', 'd']);
});

test('Those of keys and values count too, and are named', async (t) => {
  const folder = await makeFolder(t);
  const x = await writeSequences(join(folder, 'x.safetensors'), makeSequences(lengths, 1));
  const key = await writeSequences(join(folder, 'k.safetensors'), damaged());
  const asked = { inputs: [x], key, output: join(folder, 'y.safetensors') };
  const state = await runBatch(await requestFor(asked), { bench: bench(), limits });
  t.deepEqual(state.inputs[0]!.nonFinite, { numbers: 3, sequences: 2 });
  const refusing = await requestFor({ ...asked, output: join(folder, 'z.safetensors'), nonFinite: 'error' });
  await assertRefused(t, () => runBatch(refusing, { bench: bench(), limits }), {
    code: 'INVALID_FILE',
    what: 'number 2 of its keys',
  });
});

test('What an earlier run counted is not forgotten', async (t) => {
  const { request } = await prepare(t, 'x.safetensors');
  const small = { bench: bench(), limits: { mostTokens: 3 } };
  await t.throwsAsync(runBatch(request, { ...small, stopAfter: 2 }), { message: 'stopped' });
  const state = await runBatch(request, { ...small, earlier: 'resume' });
  t.deepEqual(state.inputs[0]!.nonFinite, { numbers: 3, sequences: 2 });
});
