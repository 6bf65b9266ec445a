// Files as other programs leave them, given to `headpool run`: tensors and lengths by name, fields of lines, pipes.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { formatNpyHeader } from '../../src/files/npy.js';
import { layerFlags } from '../helpers/batch-run.js';
import { headpool, headpoolPiped } from '../helpers/command.js';
import { holdsRows, prepare } from '../helpers/command-runs.js';
import { makeSequences, npyOf, writeSequences } from '../helpers/sequence-files.js';
import { zipFile } from '../files/zip-bytes.js';

/** Sequences of 2, 0 and 4 tokens in 3 x 4, with NaN for padding. */
function padded() {
  const query = makeSequences([2, 0, 4], 5);
  const rows = new Float32Array(3 * 4 * 8).fill(NaN);
  rows.set(query.rows.subarray(0, 16));
  rows.set(query.rows.subarray(16), 64);
  return { query, rows };
}

test.serial('padding is neither computed nor written', async (t) => {
  const { folder, run } = await prepare(t);
  const { query, rows } = padded();
  const mask = Buffer.concat([
    formatNpyHeader('U8', [3, 4]),
    Buffer.from([1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]),
  ]);
  const x = join(folder, 'x.npz');
  const array = npyOf([3, 4, 8], rows);
  await writeFile(
    x,
    zipFile([
      { name: 'h.npy', content: array },
      { name: 'other.npy', content: array },
      { name: 'm.npy', content: mask },
    ]),
  );
  const y = join(folder, 'y.jsonl');
  const { stdout } = await run('-i', x, '--tensor', 'h', '--lengths', 'm', '-o', y, '--json');
  t.like(JSON.parse(stdout), { tokens: 6, nonFinite: { numbers: 0, sequences: 0 } });
  await holdsRows(t, y, { query });
  const other = await headpool(
    'run',
    ...(await layerFlags(folder)),
    '-i',
    x,
    '--tensor',
    'h',
    '-o',
    y,
    '--resume',
  );
  t.is(other.code, 2);
  t.regex(other.stderr, /`tensors/);
});

for (const format of ['npy', 'npz'] as const) {
  test.serial(`standard input brings .${format}`, async (t) => {
    const { folder, flags } = await prepare(t);
    const query = makeSequences([3, 3], 7);
    const bytes = await readFile(
      await writeSequences(join(folder, `x.${format}`), query, { form: 'stacked' }),
    );
    const y = join(folder, 'y.npy');
    const { code, stderr } = await headpoolPiped(
      bytes,
      'run',
      ...flags,
      '-i',
      '-',
      '--input-format',
      format,
      '-o',
      y,
    );
    t.is(code, 0, stderr);
    await holdsRows(t, y, { query });
  });
}

test.serial('rows of another field are read, and other fields go through', async (t) => {
  const { folder, run, flags } = await prepare(t);
  const query = makeSequences([1, 1], 9);
  const lines = [0, 1].map(
    (n) =>
      `{"text":"t${n}","vector":${JSON.stringify([...query.rows.subarray(8 * n, 8 * n + 8)])},"meta":{"n":${n}}}\n`,
  );
  const [x, y] = [join(folder, 'x.jsonl'), join(folder, 'y.jsonl')];
  await writeFile(x, lines.join(''));
  await run('-i', x, '--field', 'vector', '--keep-fields', '-o', y);
  await holdsRows(t, y, { query });
  const [first, second] = (await readFile(y, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  t.like(first, { id: `${x}#0`, text: 't0', meta: { n: 0 } });
  t.like(second, { text: 't1', meta: { n: 1 } });
  const refused = await headpool(
    'run',
    ...flags,
    '-i',
    x,
    '--field',
    'vector',
    '--keep-fields',
    '-o',
    join(folder, 'z.npy'),
  );
  t.is(refused.code, 2);
  t.regex(refused.stderr, /an output of \.jsonl, where fields can be kept/);
});

test.serial('NaN is said once, in the summary and in the report, or refused', async (t) => {
  const { folder, run, flags } = await prepare(t);
  const query = makeSequences([3, 3], 7);
  query.rows[9] = NaN;
  const x = await writeSequences(join(folder, 'x.npy'), query, { form: 'stacked' });
  const report = join(folder, 'r.json');
  const { stdout } = await run('-i', x, '-o', join(folder, 'y.npy'), '--report', report);
  t.regex(stdout, /not finite +1 numbers \(NaN, infinities\) in 1 sequences/);
  const written = JSON.parse(await readFile(report, 'utf8')) as object;
  t.like(written, { nonFinite: { numbers: 1, sequences: 1 } });
  const refused = await headpool(
    'run',
    ...flags,
    '-i',
    x,
    '-o',
    join(folder, 'z.npy'),
    '--non-finite',
    'error',
  );
  t.is(refused.code, 1);
  t.regex(refused.stderr, /expected finite numbers in sequence 0, got NaN at token 1, number 1/);
});

test.serial('a configuration file may name one input', async (t) => {
  const { folder, flags } = await prepare(t);
  const query = makeSequences([3, 3], 7);
  const x = await writeSequences(join(folder, 'x.npy'), query, { form: 'stacked' });
  const y = join(folder, 'y.npy');
  await writeFile(join(folder, 'c.yaml'), `input: ${JSON.stringify(x)}\noutput: ${JSON.stringify(y)}\n`);
  const { code, stderr } = await headpool('run', ...flags, '--config', join(folder, 'c.yaml'));
  t.is(code, 0, stderr);
  await holdsRows(t, y, { query });
});

test.serial('.npy without tokens means what its shape says', async (t) => {
  const { folder, run } = await prepare(t);
  const none = new Float32Array();
  for (const [shape, pooled] of [
    [
      [0, 8],
      [1, 8],
    ],
    [
      [2, 0, 8],
      [2, 8],
    ],
    [
      [0, 0, 8],
      [0, 8],
    ],
  ] as const) {
    const [x, y, z] = ['x.npy', 'y.npy', 'z.npy'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(x, npyOf(shape, none));
    await run('-i', x, '-o', y);
    const written = (await readFile(y)).toString('latin1');
    t.true(written.includes(`'shape': (${shape.join(', ')})`), written.slice(0, 80));
    await run('-i', x, '-o', z, '--pool', 'mean');
    const bytes = await readFile(z);
    t.true(bytes.toString('latin1').includes(`'shape': (${pooled.join(', ')})`));
    t.true(bytes.subarray(-32 * pooled[0]).every((byte, at) => pooled[0] === 0 || byte === 0 || at < 0));
  }
});
