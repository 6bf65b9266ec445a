// Files that NumPy makes here and now, read, written and read back by it.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { openSequences } from '../../src/files/sequences/formats.js';
import { createSequenceWriter } from '../../src/files/sequences/sequence-writer.js';
import type { TensorChoice } from '../../src/files/sequences/sequences.js';
import { makeFolder } from '../helpers/make-folder.js';
import { readAll } from '../helpers/reader-files.js';
import { testUnless } from '../helpers/skips.js';

const { status } = spawnSync('python3', ['-c', 'import numpy']);
const testNumpy = testUnless(status === 0 ? undefined : 'there is no NumPy for python3');

/** Runs lines of Python in `folder` and gives what they print. */
const python = (folder: string, ...lines: string[]): string =>
  execFileSync('python3', ['-c', ['import numpy as np', ...lines].join('\n')], {
    cwd: folder,
    encoding: 'utf8',
  });

interface Case {
  readonly file: string;
  readonly make: string;
  readonly choice?: TensorChoice;
  /** The rows that are no padding, flat. */
  readonly rows: string;
  readonly lengths: readonly number[];
}

const x = 'x = np.random.default_rng(1).standard_normal((3, 4, 8)).astype("f4")';
const mask = 'm = np.arange(4) < np.array([[2], [0], [4]])';
const cases: Readonly<Record<string, Case>> = {
  'an array of three axes': { file: 'a.npy', make: 'np.save("a.npy", x)', rows: 'x', lengths: [4, 4, 4] },
  'float64 in the order of Fortran': {
    file: 'a.npy',
    make: 'np.save("a.npy", np.asfortranarray(x.astype("f8")))',
    rows: 'x',
    lengths: [4, 4, 4],
  },
  'big-endian float16': {
    file: 'a.npy',
    make: 'x = x.astype("f2").astype("f4"); np.save("a.npy", x.astype(">f2"))',
    rows: 'x',
    lengths: [4, 4, 4],
  },
  'savez with a mask': {
    file: 'a.npz',
    make: 'np.savez("a.npz", h=x, attention_mask=m.astype("i8"))',
    rows: 'x[m]',
    lengths: [2, 0, 4],
  },
  'savez_compressed with lengths': {
    file: 'a.npz',
    make: 'np.savez_compressed("a.npz", h=x, n=m.sum(1))',
    choice: { lengths: 'n' },
    rows: 'x[m]',
    lengths: [2, 0, 4],
  },
  'one of several, with a mask of booleans': {
    file: 'a.npz',
    make: 'np.savez("a.npz", h=x, g=-x, m=m, ids=np.arange(3))',
    choice: { tensor: 'g', lengths: 'm' },
    rows: '-x[m]',
    lengths: [2, 0, 4],
  },
  'gzip around .npy': {
    file: 'a.npy.gz',
    make: 'import gzip; np.save(gzip.open("a.npy.gz", "wb"), x)',
    rows: 'x',
    lengths: [4, 4, 4],
  },
  'no tokens': { file: 'a.npy', make: 'x = x[:2, :0]; np.save("a.npy", x)', rows: 'x', lengths: [0, 0] },
};

for (const [title, { file, make, choice, rows, lengths }] of Object.entries(cases)) {
  testNumpy(`NumPy makes ${title}, and it comes back to NumPy`, async (t: ExecutionContext) => {
    const folder = await makeFolder(t);
    const wanted = JSON.parse(
      python(
        folder,
        'import json',
        x,
        mask,
        make,
        `print(json.dumps(np.asarray(${rows}, "f8").ravel().tolist()))`,
      ),
    ) as number[];
    const reader = await openSequences(join(folder, file), choice);
    t.teardown(() => reader.close());
    t.deepEqual(reader.lengths, lengths);
    const found = await readAll(reader);
    t.deepEqual(found, wanted);
    if (new Set(lengths).size > 1) return;
    const writer = await createSequenceWriter(join(folder, 'b.npy'), { modelDim: 8, form: 'stacked' });
    await writer.append({ lengths }, Float32Array.from(found));
    await writer.commit();
    t.is(
      python(
        folder,
        x,
        mask,
        make,
        `b = np.load("b.npy"); print(b.shape == x.shape and (b == x).all())`,
      ).trim(),
      'True',
    );
  });
}

testNumpy('One changed byte of what savez stored is found', async (t) => {
  const folder = await makeFolder(t);
  python(
    folder,
    x,
    'np.savez("a.npz", x)',
    'b = bytearray(open("a.npz", "rb").read()); b[300] ^= 1; open("a.npz", "wb").write(b)',
  );
  await t.throwsAsync(
    async () => {
      const reader = await openSequences(join(folder, 'a.npz'));
      await readAll(reader).finally(() => reader.close());
    },
    { code: 'INVALID_FILE', message: /checksum/ },
  );
});
