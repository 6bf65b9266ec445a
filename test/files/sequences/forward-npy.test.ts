// .npy inside .gz and .zst and from pipes, and .npz from pipes: the same sequences as from the file itself.
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { formatNamed, formatOf, openSequences } from '../../../src/files/sequences/formats.js';
import type { SequenceStream } from '../../../src/files/sequences/sequences.js';
import { countTokens } from '../../../src/files/sequences/layout.js';
import { assertRefused } from '../../helpers/assertions.js';
import { zstdFrame } from '../../helpers/compressed-frames.js';
import { chunksOf } from '../../helpers/jsonl-streams.js';
import { npy, readAll, upTo } from '../../helpers/reader-files.js';
import { npyFile, writeScratch } from '../scratch.js';
import { zipFile } from '../zip-bytes.js';

async function readStream(stream: SequenceStream): Promise<{ lengths: number[]; numbers: number[] }> {
  const [lengths, numbers]: [number[], number[]] = [[], []];
  try {
    for (let span; (span = await stream.next(2)) !== undefined;) {
      if ('error' in span) throw span.error;
      const target = new Float32Array(countTokens(span.lengths) * 2);
      await span.read(target);
      lengths.push(...span.lengths);
      numbers.push(...target);
    }
  } finally {
    await stream.close();
  }
  return { lengths, numbers };
}

const compressors = { gz: gzipSync, zst: zstdFrame } as const;

for (const [extension, compress] of Object.entries(compressors)) {
  test(`.npy.${extension} is read in any order`, async (t) => {
    const reader = await openSequences(
      await writeScratch(t, `a.npy.${extension}`, compress(npy('(4, 3, 2)', 24))),
    );
    t.teardown(() => reader.close());
    t.like(reader, { form: 'stacked', modelDim: 2, lengths: [3, 3, 3, 3] });
    t.deepEqual(await readAll(reader), upTo(24));
    for (const first of [2, 0, 3]) {
      const target = new Float32Array(6);
      await reader.read(first, 1, target);
      t.deepEqual([...target], upTo(24).slice(6 * first, 6 * first + 6));
    }
  });

  test(`.npy.${extension} goes on where a run stopped`, async (t) => {
    const path = await writeScratch(t, `a.npy.${extension}`, compress(npy('(4, 1, 2)', 8)));
    const stream = await formatOf(path).openStream({ path, modelDim: 2, start: { sequence: 3 } });
    t.deepEqual(await readStream(stream), { lengths: [1], numbers: [7, 8] });
  });

  const refuses = (title: string, bytes: Uint8Array, what: string) => {
    test(`.npy.${extension} is refused: ${title}`, async (t) => {
      const path = await writeScratch(t, `a.npy.${extension}`, compress(bytes));
      const open = async () => {
        const reader = await openSequences(path);
        await readAll(reader).finally(() => reader.close());
      };
      await assertRefused(t, open, { code: 'INVALID_FILE', path: `${path}: `, what });
    });
  };
  refuses('a number short', npy('(3, 2)', 5), '`data`');
  refuses('a number more', npy('(3, 2)', 7), 'nothing after byte');
  refuses('something where there are no tokens', npy('(0, 2)', 1), 'nothing after byte');
  refuses('no .npy', Buffer.from('x'.repeat(100)), '`magic`');
  refuses('nothing', Buffer.from(''), '`magic`');
  refuses('a header cut short', npy('(3, 2)', 6).subarray(0, 40), '`header`');
  refuses('more than it can hold', npy('(1000000000000, 1, 2)', 6), 'compressed bytes can hold');
}

const piped = async (format: 'npy' | 'npz', bytes: Uint8Array, size = 7): Promise<SequenceStream> => {
  return formatNamed(format).openStream({ path: '-', modelDim: 2, bytes: chunksOf(bytes, size) });
};

for (const size of [1, 7, 1000]) {
  test(`.npy comes through a pipe in chunks of ${size}`, async (t) => {
    const stream = await piped('npy', npy('(4, 2, 2)', 16), size);
    t.is(stream.form, 'stacked');
    t.deepEqual(await readStream(stream), { lengths: [2, 2, 2, 2], numbers: upTo(16) });
  });
}

// By itself: other tests of this process spool too.
test.serial('.npz comes through a pipe, and nothing of it stays', async (t) => {
  const own = `headpool-${process.pid}-`;
  const left = async () => (await readdir(tmpdir())).filter((name) => name.startsWith(own)).length;
  const before = await left();
  const members = [1, 2].map((n) => ({
    name: `s${n}.npy`,
    content: npy(`(${n}, 2)`, 2 * n),
    isDeflated: n === 2,
  }));
  const stream = await piped('npz', zipFile(members), 50);
  t.deepEqual(stream.layout?.names, ['s1', 's2']);
  t.true((await left()) <= before);
  t.deepEqual(await readStream(stream), { lengths: [1, 2], numbers: [1, 2, ...upTo(4)] });
});

const refusesPiped = (title: string, format: 'npy' | 'npz', bytes: Uint8Array, what: string) => {
  test(`A pipe is refused: ${title}`, async (t: ExecutionContext) => {
    const read = async () => readStream(await piped(format, bytes));
    await assertRefused(t, read, { code: 'INVALID_FILE', path: '-: ', what });
  });
};
refusesPiped('a number short', 'npy', npy('(3, 2)', 5), '`data`');
refusesPiped('a number more', 'npy', npy('(3, 2)', 7), 'nothing after byte');
refusesPiped('more sequences than anybody has', 'npy', npy('(1000000000000, 1, 2)', 6), '`shape`');
refusesPiped('no .npz', 'npz', npy('(3, 2)', 6), '`directory`');
refusesPiped(
  'columns first',
  'npy',
  npyFile("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2)}", 24),
  'it can be read only once',
);
