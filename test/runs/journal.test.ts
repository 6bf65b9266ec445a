// Whether a run begins, goes on or is refused, by what an earlier one left.
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { RunIdentity, RunSettings } from '../../src/runs/identity.js';
import type { EarlierChoice } from '../../src/runs/earlier-run.js';
import { openJournal, type Journal } from '../../src/runs/journal.js';
import type { PortionRecord } from '../../src/runs/manifest.js';
import type { RunRequest } from '../../src/runs/request.js';
import { createRecordLog } from '../../src/files/record-log.js';
import { assertRefused } from '../helpers/assertions.js';
import { smallWeights } from '../helpers/batch-run.js';
import { makeFolder } from '../helpers/make-folder.js';

const request: RunRequest = {
  inputs: [{ path: 'x.jsonl', target: 0 }],
  targets: [{ path: 'y.jsonl', format: 'jsonl' }],
  weights: smallWeights,
  options: {},
  dtype: 'f32',
  onError: 'stop',
};

const settings: RunSettings = {
  weights: 'abc',
  dtype: 'f32',
  outputFormat: 'jsonl',
  statistics: false,
  configuration: { heads: 2, window: { left: 3 } },
};

const identity: RunIdentity = {
  settings,
  inputs: [{ path: 'x.jsonl', bytes: 3, modified: '7' }],
  outputs: [{ path: 'y.jsonl', format: 'jsonl', version: '1', kernel: 'reference' }],
};

const portion: PortionRecord = {
  input: 0,
  end: { sequence: 2 },
  isEnded: false,
  lengths: [1, 2],
  failures: [],
  parts: { rows: { begin: 0, byteLength: 9, checksum: crc32('some rows') } },
};

async function place(t: ExecutionContext) {
  const folder = await makeFolder(t);
  const path = join(folder, 'y.manifest');
  const begin = async (earlier: EarlierChoice, now: RunIdentity = identity): Promise<Journal> => {
    const journal = await openJournal({ ...request, manifestPath: path }, { identity: now, earlier });
    t.teardown(() => journal.close().catch(() => undefined));
    return journal;
  };
  // What is written of outputs is the business of others.
  const list = async () => (await readdir(folder)).filter((name) => !name.endsWith('.partial'));
  return { folder, path, begin, list };
}

/** A run of one chunk that was interrupted. */
async function interrupted(t: ExecutionContext) {
  const where = await place(t);
  const journal = await where.begin('refuse');
  await writeFile(join(where.folder, 'y.jsonl.partial'), 'some rows of it');
  await journal.record([portion], []);
  await journal.close();
  return where;
}

for (const earlier of ['refuse', 'resume', 'restart'] as const) {
  test(`where nothing was, a run that would ${earlier} begins at the beginning`, async (t) => {
    const { begin } = await place(t);
    const { state } = await begin(earlier);
    t.like(state, { chunks: 0, isComplete: false });
    t.deepEqual(state.placeOf(0), { sequence: 0 });
  });

  test(`a run that would ${earlier} but recorded nothing leaves nothing`, async (t) => {
    const { begin, list } = await place(t);
    const journal = await begin(earlier);
    t.deepEqual(await list(), ['y.manifest', 'y.manifest.lock']);
    await journal.close();
    t.deepEqual(await list(), []);
  });
}

test('a later run can go on with one that recorded a chunk, and with no other', async (t) => {
  const { begin, folder } = await place(t);
  const journal = await begin('refuse');
  await writeFile(join(folder, 'y.jsonl.partial'), 'some rows of it');
  t.false(journal.canResume);
  await journal.record([portion], []);
  t.true(journal.canResume);
  await journal.close();
  t.true((await begin('resume')).canResume);
});

test('a run that recorded a chunk leaves its manifest and no lock', async (t) => {
  const { list } = await interrupted(t);
  t.deepEqual(await list(), ['y.manifest']);
});

test('unfinished work is refused, naming both ways out, and kept', async (t) => {
  const { path, begin } = await interrupted(t);
  const before = await readFile(path);
  const what = 'stopped after 1 chunks; `--resume` goes on with it, `--restart` forgets it';
  await assertRefused(t, () => begin('refuse'), { code: 'INVALID_OPTION', path, what });
  t.deepEqual(await readFile(path), before);
});

test('unfinished work is resumed where it was', async (t) => {
  const { begin } = await interrupted(t);
  const { state } = await begin('resume');
  t.like(state, { chunks: 1, sequences: 2, tokens: 3, isComplete: false });
  t.deepEqual(state.placeOf(0), { sequence: 2 });
});

test('a resumed run records after what was there', async (t) => {
  const { begin } = await interrupted(t);
  for (const chunks of [2, 3]) {
    const journal = await begin('resume');
    await journal.record([{ ...portion, end: { sequence: 2 * chunks } }], []);
    await journal.close();
  }
  const { state } = await begin('resume');
  t.like(state, { chunks: 3, sequences: 6 });
  t.deepEqual(state.placeOf(0), { sequence: 6 });
});

test('unfinished work is forgotten on demand', async (t) => {
  const { begin, list } = await interrupted(t);
  const journal = await begin('restart');
  t.is(journal.state.chunks, 0);
  await journal.close();
  t.deepEqual(await list(), []);
});

test('a damaged manifest can be restarted from, but neither resumed nor passed over', async (t) => {
  const { path, begin } = await interrupted(t);
  await writeFile(path, 'nonsense\nand more\n');
  for (const earlier of ['resume', 'refuse'] as const)
    await assertRefused(t, () => begin(earlier), { code: 'INVALID_FILE', path, what: 'line 1' });
  t.is((await begin('restart')).state.chunks, 0);
});

test('a torn last record is forgotten', async (t) => {
  const { path, begin } = await interrupted(t);
  await appendFile(path, '01234567 {"chunk":1,"port');
  t.is((await begin('resume')).state.chunks, 1);
});

test('a complete run may be begun anew, or found complete', async (t) => {
  const { begin } = await interrupted(t);
  const journal = await begin('resume');
  await journal.complete();
  await journal.close();
  const resumed = await begin('resume');
  t.true(resumed.state.isComplete);
  await resumed.close();
  t.like((await begin('refuse')).state, { isComplete: false, chunks: 0 });
});

const output = identity.outputs[0]!;

const changes: Readonly<Record<string, readonly [Partial<RunIdentity>, string]>> = {
  'configuration.window.left': [
    { settings: { ...settings, configuration: { heads: 2, window: { left: 4 } } } },
    '`3` (number)',
  ],
  'configuration.causal': [
    { settings: { ...settings, configuration: { heads: 2, causal: true, window: { left: 3 } } } },
    'nothing',
  ],
  'inputs[0].bytes': [{ inputs: [{ path: 'x.jsonl', bytes: 4, modified: '7' }] }, '`3` (number)'],
  'inputs[0].modified': [
    { inputs: [{ path: 'x.jsonl', bytes: 3, modified: '8000000' }] },
    '`"1970-01-01T00:00:00.000Z"` (string)',
  ],
  'inputs[0]': [{ inputs: [{ path: 'z.jsonl', bytes: 3, modified: '7' }] }, '`"x.jsonl"` (string)'],
  kernel: [{ outputs: [{ ...output, kernel: 'native' }] }, '`"reference"` (string)'],
  pool: [{ settings: { ...settings, pool: 'mean' } }, 'nothing'],
};

for (const [field, [change, before]] of Object.entries(changes)) {
  test(`a run that differs in ${field} is not resumed, and the field is named`, async (t) => {
    const { path, begin, list } = await interrupted(t);
    const now = { ...identity, ...change };
    const what = `the run to resume had ${before} for \`${field}\``;
    await assertRefused(t, () => begin('resume', now), { code: 'INVALID_OPTION', path, what });
    t.deepEqual(await list(), ['y.manifest'], 'no lock stays');
    t.is((await begin('restart', now)).state.chunks, 0);
  });
}

test('a manifest of another format is not resumed', async (t) => {
  const { path, begin } = await place(t);
  await (await createRecordLog(path, { format: 999, run: identity })).close();
  await assertRefused(t, () => begin('resume'), { code: 'INVALID_OPTION', what: 'a manifest of format 2' });
});

test('chunks out of their order make a manifest damaged', async (t) => {
  const { path, begin } = await place(t);
  const log = await createRecordLog(path, { format: 2, run: identity });
  await log.append({ chunk: 1, portions: [], finished: [] });
  await log.close();
  await assertRefused(t, () => begin('resume'), { code: 'INVALID_FILE', path, what: 'expected chunk 0' });
});

test('one run at a time holds a manifest', async (t) => {
  const { path, begin, folder } = await place(t);
  const journal = await begin('refuse');
  await writeFile(join(folder, 'y.jsonl.partial'), 'some rows of it');
  for (const earlier of ['refuse', 'resume', 'restart'] as const)
    await assertRefused(t, () => begin(earlier), { code: 'OUTPUT_IN_USE', path: '', what: `${path}.lock` });
  await journal.record([portion], []);
  await journal.close();
  t.is((await begin('resume')).state.chunks, 1);
});

test('a volatile journal counts like any, and writes nothing', async (t) => {
  const journal = await openJournal(request, { identity, earlier: 'refuse' });
  await journal.record([portion], []);
  t.like(journal.state, { chunks: 1, sequences: 2, tokens: 3 });
  t.deepEqual(journal.state.placeOf(0), { sequence: 2 });
  await journal.record([{ ...portion, isEnded: true }], [{ target: 0 }]);
  t.is(journal.state.placeOf(0), undefined);
  t.true(journal.state.isFinished(0));
  t.is(journal.state.chunks, 2);
  t.false(journal.canResume);
  await journal.complete();
  await journal.close();
});

test('a run whose lock was taken over records nothing more, and leaves what is there', async (t) => {
  const { path, begin, list } = await place(t);
  const journal = await begin('refuse');
  const lock = JSON.stringify({ pid: 12, host: 'elsewhere', started: 1, boot: null });
  await writeFile(`${path}.lock`, lock);
  const before = await readFile(path);
  const what = 'process 12 on elsewhere';
  await assertRefused(t, () => journal.record([portion], []), { code: 'OUTPUT_IN_USE', what });
  await assertRefused(t, () => journal.complete(), { code: 'OUTPUT_IN_USE', what });
  t.true(journal.canResume, 'its partial files are those of the other');
  await journal.close();
  t.deepEqual(await readFile(path), before);
  t.is(await readFile(`${path}.lock`, 'utf8'), lock);
  t.deepEqual((await list()).sort(), ['y.manifest', 'y.manifest.lock']);
});
