// Runs over compressed files: the bytes of a run over what is inside, begun at once or gone on with.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { openBench, requestFor, runBatch } from '../helpers/batch-run.js';
import { assertRefused } from '../helpers/assertions.js';
import { zstdFrame } from '../helpers/compressed-frames.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';

const bench = openBench();
const names = ['a', 'b', 'c', 'd', 'e'];
const limits = { mostTokens: 4 };
const compressors = { gz: gzipSync, zst: zstdFrame } as const;

for (const inner of ['jsonl', 'npy'] as const) {
  for (const [outer, compress] of Object.entries(compressors)) {
    const file = `x.${inner}.${outer}`;

    test(`${file} is gone on with where a run stopped, and its output is that of x.${inner}`, async (t) => {
      const folder = await makeFolder(t);
      const form = inner === 'npy' ? 'stacked' : 'packed';
      const x = await writeSequences(
        join(folder, `x.${inner}`),
        makeSequences([3, 3, 3, 3, 3], 2, { names }),
        { form },
      );
      const packed = join(folder, file);
      await writeFile(packed, compress(await readFile(x)));
      const [y, z] = [join(folder, `y.${inner}`), join(folder, `z.${inner}`)];
      await runBatch(await requestFor({ inputs: [x], output: y }), { bench: bench(), limits });
      const request = await requestFor({ inputs: [packed], output: z });
      await t.throwsAsync(runBatch(request, { bench: bench(), limits, stopAfter: 2 }), {
        message: 'stopped',
      });
      const state = await runBatch(request, { bench: bench(), limits, earlier: 'resume' });
      t.true(state.isComplete);
      t.deepEqual(await readFile(z), await readFile(y));
    });
  }
}

test('An output of a folder loses the ending of a compression', async (t) => {
  const folder = await makeFolder(t);
  const { targets } = await requestFor({
    inputs: [join(folder, 'x.jsonl.gz')],
    output: join(folder, 'out/'),
  });
  t.true(targets[0]!.path.endsWith('x.jsonl'));
});

test('A compressed file that is damaged at its end gets no output', async (t) => {
  const folder = await makeFolder(t);
  const bytes = gzipSync('{"x":[[1,2,3,4,5,6,7,8]]}\n'.repeat(9));
  bytes[bytes.length - 8]! ^= 1;
  const x = join(folder, 'x.jsonl.gz');
  await writeFile(x, bytes);
  const request = await requestFor({ inputs: [x], output: join(folder, 'y.jsonl') });
  await assertRefused(t, () => runBatch(request, { bench: bench(), limits }), {
    code: 'INVALID_FILE',
    path: x,
    what: 'incorrect data check',
  });
});
