// `headpool run` from every format to every format, from pipes to pipes, held against the float64 program.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { heads, smallWeights } from '../helpers/batch-run.js';
import { writeStateDict } from '../../src/files/state-dict.js';
import { offsetsOf } from '../../src/files/sequences/layout.js';
import type { SequenceForm, SequenceName } from '../../src/files/sequences/sequences.js';
import { holdsRows, prepare } from '../helpers/command-runs.js';
import { layerOracle, worstError } from '../helpers/layer-oracle.js';
import { makeFolder } from '../helpers/make-folder.js';
import { normalTensor } from '../helpers/random.js';
import {
  makeSequences,
  readSequences,
  writeSequences,
  type GivenSequences,
} from '../helpers/sequence-files.js';
import { headpoolPiped } from '../helpers/command.js';

const equal = [9, 9, 9];
const ragged = [5, 0, 21, 1];

async function holds(
  t: ExecutionContext,
  path: string,
  given: Parameters<typeof holdsRows>[2] & { readonly names?: readonly SequenceName[] | undefined },
  tolerance?: number,
): Promise<void> {
  const found = await holdsRows(t, path, given, tolerance);
  t.deepEqual(found.names, given.names);
}

/** What sequences of an input are called: as they are there, or by their place. */
function idsOf(path: string, { lengths, names }: GivenSequences): SequenceName[] {
  return lengths.map((_, number) => names?.[number] ?? `${path}#${number}`);
}

const hasNames = (extension: string) => extension !== 'npy';

interface Written {
  readonly file: string;
  readonly form?: SequenceForm;
  readonly lengths: readonly number[];
  readonly names?: readonly SequenceName[];
}

const inputs: readonly Written[] = [
  { file: 'x.safetensors', lengths: equal },
  { file: 'named.safetensors', form: 'named', lengths: equal, names: ['b', 'a/ä', '__proto__'] },
  { file: 'x.npy', form: 'stacked', lengths: equal },
  { file: 'x.npz', lengths: equal },
  { file: 'named.npz', form: 'named', lengths: equal, names: ['u', 'v', 'w'] },
  { file: 'x.jsonl', lengths: equal, names: ['one', 2, null] },
  { file: 'x.arrow', lengths: equal, names: ['one', 'two', null] },
  { file: 'x.parquet', lengths: equal, names: ['one', 'two', null] },
];

for (const input of inputs) {
  test.serial(`${input.file} goes to every format, with its names where they have a place`, async (t) => {
    const { folder, run } = await prepare(t);
    const { lengths, names, form = 'packed', file } = input;
    const query = makeSequences(lengths, 5, names && { names });
    const x = await writeSequences(join(folder, file), query, { form });
    const extensions =
      form === 'named' ? ['safetensors', 'jsonl'] : ['safetensors', 'npy', 'jsonl', 'arrow', 'parquet'];
    await Promise.all(
      extensions.map(async (extension) => {
        const y = join(folder, `y.${extension}`);
        await run('-i', x, '-o', y, '--batch-tokens', '10', '--verify-output');
        const ids = idsOf(x, query);
        // Columns of Arrow and Parquet are of one type.
        const kept = extension === 'arrow' || extension === 'parquet' ? ids.map(String) : ids;
        await holds(t, y, { query, names: hasNames(extension) ? kept : undefined });
      }),
    );
  });
}

test.serial('ragged sequences, empty ones among them, go from format to format', async (t) => {
  const { folder, run } = await prepare(t);
  const names = ['s', 't', 'u', 'v'];
  const query = makeSequences(ragged, 6, { names });
  const steps = ['0.jsonl', '1.safetensors', '2.arrow', '3.parquet', '4.jsonl'].map((name) =>
    join(folder, name),
  );
  await writeSequences(steps[0]!, query);
  for (const [n, path] of steps.slice(1).entries()) {
    const before = await readSequences(steps[n]!);
    await run('-i', steps[n]!, '-o', path, '--causal', '--batch-tokens', '7', '--verify-output');
    await holds(t, path, { query: before, causal: true, names });
  }
});

test.serial('a single sequence in .npy stays one, and so does a single token', async (t) => {
  const { folder, run } = await prepare(t);
  for (const length of [17, 1]) {
    const query = makeSequences([length], length);
    const x = await writeSequences(join(folder, `${length}.npy`), query, { form: 'single' });
    const y = join(folder, `y${length}.npy`);
    await run('-i', x, '-o', y);
    await holds(t, y, { query });
    t.regex((await readFile(y)).toString('latin1', 0, 128), new RegExp(`'shape': \\(${length}, 8\\)`));
  }
});

for (const extension of ['safetensors', 'jsonl', 'arrow', 'parquet']) {
  test.serial(`a .${extension} file without sequences gives one without sequences`, async (t) => {
    const { folder, run } = await prepare(t);
    const x = await writeSequences(join(folder, `x.${extension}`), makeSequences([], 1));
    const { stdout } = await run('-i', x, '-o', join(folder, `y.${extension}`), '--json', '--verify-output');
    t.like(JSON.parse(stdout), { sequences: 0, tokens: 0, failures: [] });
    t.deepEqual((await readSequences(join(folder, `y.${extension}`))).lengths, []);
  });
}

test.serial('token ids become rows of an embedding and of positions', async (t) => {
  const { folder, run } = await prepare(t);
  const [table, positions] = [normalTensor([30, 8], 1), normalTensor([12, 8], 2)];
  const e = join(folder, 'e.safetensors');
  await writeStateDict(e, new Map([['wte', table], ['wpe', positions]])); // prettier-ignore
  const ids = [[3, 0, 29, 3], [], [7]];
  const x = join(folder, 'x.jsonl');
  await writeFile(x, ids.map((tokens, id) => `${JSON.stringify({ id, tokens })}\n`).join(''));
  const rows = ids.flatMap((tokens) =>
    tokens.flatMap((id, position) =>
      Array.from({ length: 8 }, (_, dim) => table.data[id * 8 + dim]! + positions.data[position * 8 + dim]!),
    ),
  );
  const query = { width: 8, lengths: ids.map(({ length }) => length), rows: Float32Array.from(rows) };
  const y = join(folder, 'y.safetensors');
  const flags = ['--embedding', e, '--embedding-tensor', 'wte', '--position-tensor', 'wpe'];
  await run('-i', x, '-o', y, ...flags);
  await holds(t, y, { query, names: [0, 1, 2] });
});

test.serial('keys and values of their own, in other formats', async (t) => {
  const { folder, run } = await prepare(t);
  const [query, key, value] = [makeSequences(ragged, 1), makeSequences([3, 4, 0, 9], 2), makeSequences([3, 4, 0, 9], 3)]; // prettier-ignore
  const q = await writeSequences(join(folder, 'q.jsonl'), query);
  const k = await writeSequences(join(folder, 'k.npz'), key);
  const v = await writeSequences(join(folder, 'v.safetensors'), value, { dtype: 'f32' });
  const y = join(folder, 'y.arrow');
  await run('-i', q, '--key', k, '--value', v, '-o', y, '--batch-tokens', '5');
  await holds(t, y, { query, key, value, names: idsOf(q, query) });
});

for (const [dtype, tolerance] of [
  ['f16', 4e-3],
  ['bf16', 3e-2],
] as const) {
  // prettier-ignore
  test.serial(`numbers of ${dtype} go in and out`, async (t) => {
    const { folder, run } = await prepare(t);
    const x = await writeSequences(join(folder, 'x.safetensors'), makeSequences(ragged, 3), { dtype });
    const y = join(folder, 'y.safetensors');
    await run('-i', x, '-o', y, '--dtype', dtype);
    const query = await readSequences(x);
    await holds(t, y, { query, names: idsOf(x, query) }, tolerance);
    t.true((await readFile(y, 'latin1')).includes(`"dtype":"${dtype.toUpperCase()}"`));
  });
}

test.serial('pooled rows are the means of the rows', async (t) => {
  const { folder, run } = await prepare(t);
  const query = makeSequences(ragged, 3, { names: ['a', 'b', 'c', 'd'] });
  const x = await writeSequences(join(folder, 'x.jsonl'), query);
  const y = join(folder, 'y.jsonl');
  await run('-i', x, '-o', y, '--pool', 'mean');
  const lines = (await readFile(y, 'utf8')).trim().split('\n');
  const rows = layerOracle({ weights: smallWeights, heads, query });
  const offsets = offsetsOf(ragged);
  for (const [n, line] of lines.entries()) {
    const { id, x: found } = JSON.parse(line) as { id: SequenceName | undefined; x: number[] };
    t.is(id, query.names![n]);
    const wanted = found.map((_, dim) => {
      let sum = 0;
      for (let row = offsets[n]!; row < offsets[n + 1]!; row++) sum += rows[row * 8 + dim]!;
      return sum / Math.max(1, ragged[n]!);
    });
    t.true(worstError(found, wanted) < 1e-5);
  }
  t.is(lines.length, 4);
});

async function bytesOf(t: ExecutionContext, extension: string, given: GivenSequences): Promise<Buffer> {
  return readFile(await writeSequences(join(await makeFolder(t), `x.${extension}`), given));
}

for (const [from, to] of [
  ['jsonl', 'jsonl'],
  ['arrow', 'arrow'],
  ['arrow', 'jsonl'],
  ['jsonl', 'arrow'],
] as const) {
  // prettier-ignore
  test.serial(`${from} on standard input goes to standard output as ${to}, and nothing else does`, async (t) => {
    const { folder, flags } = await prepare(t);
    const names = ['s', 't', 'u', 'v'];
    const query = makeSequences(ragged, 8, { names });
    const formats = ['--input-format', from, '--output-format', to, '--batch-tokens', '6'];
    // Of Arrow's two formats a pipe takes the one for streams.
    const bytes = await bytesOf(t, from === 'arrow' ? 'arrows' : from, query);
    const piped = await headpoolPiped(bytes, 'run', ...flags, '-i', '-', '-o', '-', ...formats); // prettier-ignore
    t.is(piped.code, 0, piped.stderr);
    t.regex(piped.stderr, /tokens\/s/);
    const y = join(folder, `y.${to}`);
    await writeFile(y, piped.stdout);
    await holds(t, y, { query, names });
    t.deepEqual((await readdir(folder)).sort(), ['w.safetensors', `y.${to}`].sort());
    const again = await headpoolPiped(piped.stdout, 'run', ...flags, '-i', '-', '-o', '-', '--input-format', to);
    t.is(again.code, 0, again.stderr);
  });
}

test.serial('standard input goes into a file, among files', async (t) => {
  const { folder, flags } = await prepare(t);
  const [a, b] = [makeSequences([4], 1), makeSequences([2, 3], 2)];
  const x = await writeSequences(join(folder, 'x.npy'), a, { form: 'stacked' });
  const y = join(folder, 'y.jsonl');
  const { code, stderr } = await headpoolPiped(await bytesOf(t, 'jsonl', b), 'run', ...flags, '-i', x, '-i', '-', '-o', y); // prettier-ignore
  t.is(code, 0, stderr);
  const rows = Float32Array.from([...a.rows, ...b.rows]);
  // What came through a pipe has no place.
  await holds(t, y, { query: { width: 8, lengths: [4, 2, 3], rows }, names: [`${x}#0`, null, null] });
});

test.serial('folders and globs are expanded, in an order that is always the same', async (t) => {
  const { folder, run } = await prepare(t);
  const data = join(folder, 'data');
  await mkdir(data);
  const given = [1, 2, 3].map((n) => makeSequences([n, n + 1], n));
  for (const [n, name] of ['b.jsonl', 'c.npz', 'a.arrow'].entries())
    await writeSequences(join(data, name), given[n]!);
  await writeFile(join(data, 'notes.txt'), 'not for us');
  await run('-i', data, '-o', join(folder, 'out/'), '--verify-output');
  t.deepEqual((await readdir(join(folder, 'out'))).sort(), ['a.arrow', 'b.jsonl', 'c.safetensors', 'headpool.manifest']); // prettier-ignore
  const names = idsOf(join(data, 'c.npz'), given[1]!);
  await holds(t, join(folder, 'out', 'c.safetensors'), { query: given[1]!, names });
  const y = join(folder, 'y.jsonl');
  await run('-i', join(data, '*.{jsonl,arrow}'), '-o', y);
  t.deepEqual((await readSequences(y)).lengths, [3, 4, 1, 2]);
});
