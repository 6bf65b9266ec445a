import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Dictionary, Int32, tableToIPC, Utf8, Utf8View } from 'apache-arrow';
import test from 'ava';
import { HeadpoolError } from '../../../../src/core/errors.js';
import { createRandom } from '../../../../src/core/tensor/random.js';

import {
  chunksOf,
  countUp,
  fileOf,
  makeTable,
  openArrow,
  readAll,
  threeBatches,
} from '../../../helpers/arrow-tables.js';
import { makeFolder } from '../../../helpers/make-folder.js';
import { soon } from '../../../helpers/cpu-time.js';

test('Damaged bytes give sequences or an error of ours, and an end', async (t) => {
  const random = createRandom(20);
  const below = (limit: number): number => Math.floor(random.uniform() * limit);
  const dictionary = { id: new Dictionary(new Utf8(), new Int32()) };
  const sources = [
    tableToIPC(threeBatches(), 'stream'),
    fileOf(),
    tableToIPC(makeTable([countUp(2), null], ['a', 'b'], dictionary), 'file'),
    tableToIPC(
      makeTable([countUp(2)], ['a view that is longer than others'], { id: new Utf8View() }),
      'stream',
    ),
  ];
  const path = join(await makeFolder(t), 'a.arrow');
  const outcomes = { read: 0, refused: 0 };
  for (let round = 0; round < 300; round++) {
    let damaged = Buffer.from(sources[round % sources.length]!);
    for (let flips = below(4); flips >= 0; flips--) damaged[below(damaged.length)] = below(256);
    if (round % 3 === 0) damaged = damaged.subarray(0, below(damaged.length));
    await writeFile(path, damaged);
    const isPiped = round % 5 === 0;
    const read = async () => readAll(await openArrow(path, isPiped ? { bytes: chunksOf(damaged, 100) } : {}));
    try {
      await soon(t, read, `round ${round}`);
      outcomes.read++;
    } catch (error) {
      if (!(error instanceof HeadpoolError)) t.log(round, error);
      t.true(error instanceof HeadpoolError, `round ${round}`);
      outcomes.refused++;
    }
  }
  t.true(outcomes.read > 10 && outcomes.refused > 100, JSON.stringify(outcomes));
});

test('Files that once took minutes, all memory or a stack are refused soon, from pipes too', async (t) => {
  const finds = 'test/fuzz/finds/arrow';
  for (const name of await readdir(finds)) {
    const bytes = await readFile(join(finds, name));
    const path = join(await makeFolder(t), 'a.arrow');
    await writeFile(path, bytes);
    // Some say that their rows have 8 numbers.
    for (const modelDim of [2, 8]) {
      for (const piped of [{}, { bytes: chunksOf(bytes, 100) }]) {
        const read = async () => readAll(await openArrow(path, { modelDim, ...piped }));
        await t.throwsAsync(() => soon(t, read, name), { instanceOf: HeadpoolError }, name);
      }
    }
  }
});
