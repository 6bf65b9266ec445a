// Shards that are stopped anywhere, and gone on with by the same process or another: the bytes of one run all the same.
import { join } from 'node:path';
import test from 'ava';
import { createRandom } from '../../src/core/tensor/random.js';
import { openBench, requestFor, runBatch } from '../helpers/batch-run.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';
import { cutInto, isSame } from '../helpers/sharded-run.js';

const bench = openBench();

const extensions = ['safetensors', 'jsonl', 'arrow', 'parquet'];
const rounds = 32;
const stops = 3;

for (let seed = 1; seed <= rounds; seed++) {
  const random = createRandom(seed);
  /** 0 … count - 1. */
  const draw = (count: number): number => Math.floor(random.uniform() * count);
  const [from, extension] = [extensions[draw(4)]!, extensions[draw(4)]!];
  const mostTokens = [1, 4, 8, 16][draw(4)]!;
  const way = draw(2) === 0 ? 'runShard' : 'attemptShard';
  test(`seed ${seed}: .${from} to .${extension}, ${mostTokens} tokens a chunk`, async (t) => {
    const folder = await makeFolder(t);
    // Many fill chunks to the last token, so that nothing tells yet that there is no more.
    const drawLength = (): number => (draw(2) === 0 ? mostTokens * (1 + draw(2)) : draw(2 * mostTokens + 1));
    const files = Array.from({ length: 1 + draw(3) }, () => Array.from({ length: draw(8) }, drawLength));
    const inputs = files.map((_, n) => join(folder, `x${n}.${from}`));
    for (const [n, lengths] of files.entries()) await writeSequences(inputs[n]!, makeSequences(lengths, n));
    const asked = { inputs, hasStatistics: true };
    const limits = { mostTokens };
    const pathsOf = (name: string) => [`${name}.${extension}`, `${name}.statistics.jsonl`];
    const [one, output] = ['one', 'y'].map((name) => join(folder, pathsOf(name)[0]!)) as [string, string];
    await runBatch(await requestFor({ ...asked, output: one }), { bench: bench(), limits });
    const count = 1 + draw(5);
    const sharded = await cutInto(count, bench(), { ...asked, output });
    for (let number = count; number > 0; number--) {
      for (let n = 0; n < stops; n++) {
        const stopped = sharded[way](number, { limits, stopAfter: 1 + draw(4) });
        // One that is done before has nothing to be stopped in.
        await stopped.catch((error: unknown) => t.is((error as Error).message, 'stopped'));
      }
      await sharded[way](number, { limits });
    }
    await sharded.merge({ recordBytes: 1 + draw(300) });
    for (const [n, path] of pathsOf('y').entries()) {
      await isSame(t, join(folder, path), join(folder, pathsOf('one')[n]!));
    }
  });
}
