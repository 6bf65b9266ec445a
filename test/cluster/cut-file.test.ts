// The cut as it is stored: what is written is read, and what is damaged is no cut.
import { readdir, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { readCut, writeCut, type Cut } from '../../src/cluster/cut-file.js';
import { obtainCut } from '../../src/cluster/make-cut.js';
import { createRecordLog } from '../../src/files/record-log.js';
import { assertRefused } from '../helpers/assertions.js';
import { makeFolder } from '../helpers/make-folder.js';

const file = { bytes: 9, modified: '7' };
const inputs = Array.from({ length: 5000 }, (_, input) => {
  return { input, path: `data/${input}.npy`, name: `${input}.npy`, ...file };
});

const cut: Cut = {
  format: 1,
  shards: 3,
  isFolder: false,
  patterns: ['data/'],
  engine: { version: '1', kernel: 'reference', instructionSet: 'JavaScript' },
  settings: { weights: 'abc', dtype: 'f32', statistics: false, configuration: {} },
  output: { path: 'y.npy', format: 'npy' },
  outputDim: 8,
  form: 'packed',
  inputs: inputs.length,
  parts: [
    inputs,
    [],
    [{ ...inputs[0]!, range: { start: { sequence: 2 }, sequences: 3, tokens: 4, isLast: true } }],
  ],
};

test('what is written is read, however many inputs a shard has', async (t) => {
  const path = join(await makeFolder(t), 'y.npy.shards');
  t.is(await readCut(path), undefined);
  await writeCut(path, cut);
  t.deepEqual(await readCut(path), cut);
  await writeCut(path, { ...cut, shards: 1 });
  t.is((await readCut(path))!.shards, 3, 'the first stays');
  t.deepEqual(await readdir(dirname(path)), ['y.npy.shards']);
});

test('a cut that is damaged, cut off or of another format is refused', async (t) => {
  const path = join(await makeFolder(t), 'y.npy.shards');
  await writeCut(path, cut);
  const bytes = await readFile(path);
  await truncate(path, bytes.length - 30);
  await assertRefused(t, () => readCut(path), { code: 'INVALID_FILE', path, what: 'last record' });
  bytes[500]! ^= 1;
  await writeFile(path, bytes);
  await assertRefused(t, () => readCut(path), { code: 'INVALID_FILE', path, what: 'line 2' });
  for (const [head, what] of [
    [{ format: 2 }, 'a cut of format 1'],
    [{ format: 1, shards: 1e9 }, '1 to 100000'],
  ] as const) {
    await (await createRecordLog(path, head, [{ complete: true }])).close();
    await assertRefused(t, () => readCut(path), { code: 'INVALID_FILE', path, what });
  }
});

test('one of many makes the cut, and one that fails leaves it to the next', async (t) => {
  const path = join(await makeFolder(t), 'y.npy.shards');
  const waiting = { signal: new AbortController().signal, onWait: () => undefined };
  let made = 0;
  await t.throwsAsync(
    obtainCut(path, () => Promise.reject(new Error('no memory')), waiting),
    {
      message: 'no memory',
    },
  );
  const make = (): Promise<Cut> => {
    made++;
    return Promise.resolve(cut);
  };
  const found = await Promise.all(Array.from({ length: 8 }, () => obtainCut(path, make, waiting)));
  t.is(made, 1);
  for (const one of found) t.deepEqual(one.parts.map(({ length }) => length), [5000, 0, 1]); // prettier-ignore
});

test('who waits for a cut that does not come gives up, and says for whom it waited', async (t) => {
  const path = join(await makeFolder(t), 'y.npy.shards');
  await writeFile(`${path}.lock`, JSON.stringify({ pid: 12, host: 'elsewhere', started: 1, boot: null }));
  const told: string[] = [];
  const onWait = ({ message }: Error): void => void told.push(message);
  const waiting = { signal: new AbortController().signal, onWait, mostMs: 3000 };
  const make = () => Promise.resolve(cut);
  const what = 'process 12 on elsewhere';
  await assertRefused(t, () => obtainCut(path, make, waiting), { code: 'OUTPUT_IN_USE', what });
  t.is(told.length, 1);
  const stopper = new AbortController();
  const stopped = { ...waiting, mostMs: 60_000, signal: stopper.signal };
  const stopping = obtainCut(path, make, stopped);
  stopper.abort(new Error('stopped'));
  await t.throwsAsync(stopping, { message: 'stopped' });
  await utimes(`${path}.lock`, 1, 1);
  t.is((await obtainCut(path, make, { ...waiting, isTakingOver: true })).shards, 3);
});
