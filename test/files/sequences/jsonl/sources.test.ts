import { truncate } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { HeadpoolError } from '../../../../src/core/errors.js';
import { jsonlFormat } from '../../../../src/files/sequences/jsonl-format.js';
import { assertRefused } from '../../../helpers/assertions.js';
import { chunksOf, good, open, path } from '../../../helpers/jsonl-streams.js';
import { writeScratch } from '../../scratch.js';

test('A file that shrinks under way is an error', async (t) => {
  const file = await writeScratch(t, 'a.jsonl', Buffer.from(`${good}\n`.repeat(100_000)));
  const stream = await jsonlFormat.openStream({ path: file, modelDim: 2 });
  t.like(await stream.next(2), { lengths: [2] });
  await truncate(file, 100);
  const rest = await stream.next(Infinity);
  t.true(rest !== undefined && 'lengths' in rest, 'what was read before is not lost');
  for (let call = 0; call < 2; call++) {
    await assertRefused(t, () => stream.next(2), {
      code: 'INVALID_FILE',
      path: file,
      what: 'a file of at least',
    });
  }
  await stream.close();
});

test('A missing file and a folder are refused', async (t) => {
  const folder = (await writeScratch(t, 'a', Buffer.alloc(0))).slice(0, -2);
  for (const name of [`${folder}/b.jsonl`, folder]) {
    await assertRefused(t, () => jsonlFormat.openStream({ path: name, modelDim: 2 }), {
      code: 'FILE_FAILED',
      path: name,
      what: 'could not open',
    });
  }
});

test('A failing pipe is an error after what it gave before, at every call', async (t) => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield* chunksOf(`${good}\n{"x"`, 7);
    throw new Error('EIO: i/o error');
  }
  const stream = await open('', { bytes: failing() });
  t.like(await stream.next(Infinity), { lengths: [2] });
  for (let call = 0; call < 2; call++) {
    const error = await t.throwsAsync(stream.next(1), { instanceOf: HeadpoolError });
    t.like(error, { code: 'FILE_FAILED', message: `${path}: could not read: EIO: i/o error` });
  }
  await stream.close();
});

test('Closing early ends the source', async (t) => {
  let hasEnded = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield* chunksOf(`${good}\n`, 100);
    } finally {
      hasEnded = true;
    }
  }
  const stream = await open('', { bytes: endless() });
  await stream.next(2);
  await stream.close();
  await stream.close();
  t.true(hasEnded);
  const readable = new Readable({ read() {} });
  await (await open('', { bytes: readable })).close();
  t.true(readable.destroyed);
});

test('Closing settles a call that waits for bytes that never come', async (t) => {
  const sources: AsyncIterable<Uint8Array>[] = [
    new Readable({ read() {} }),
    (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{');
      await new Promise(() => {});
    })(),
  ];
  for (const bytes of sources) {
    const stream = await open('', { bytes });
    const waiting = assertRefused(t, () => stream.next(1), {
      code: 'FILE_FAILED',
      path,
      what: 'could not read',
    });
    await setImmediate();
    await stream.close();
    await waiting;
    await assertRefused(t, () => stream.next(1), { code: 'FILE_FAILED', path, what: 'could not read' });
  }
});

test('A closed file is read no further', async (t) => {
  const file = await writeScratch(t, 'a.jsonl', Buffer.from(good));
  const stream = await jsonlFormat.openStream({ path: file, modelDim: 2 });
  await stream.close();
  await stream.close();
  await assertRefused(t, () => stream.next(1), { code: 'FILE_FAILED', path: file, what: 'could not read' });
});
