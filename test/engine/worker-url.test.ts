// Where the host of a bundle says that the worker is, and what it is told where nothing is there.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { createEngine, type EngineOptions } from '../../src/index.js';
import { version } from '../../src/engine/version.js';
import { assertRefused } from '../helpers/assertions.js';
import { normalTensor } from '../helpers/random.js';
import { packageVersion } from '../helpers/package-root.js';

const url = new URL('../../workers/worker.js', import.meta.url);

for (const [title, workerUrl] of [
  ['a URL', url],
  ['the text of a URL', url.href],
  ['an absolute path', fileURLToPath(url)],
] as const) {
  test(`${title} says where the worker is`, async (t) => {
    await using engine = await createEngine({ workerUrl, threads: 1, kernel: 'reference' });
    const x = normalTensor([1, 1, 2, 4], 1);
    const { output } = await engine.attention({ q: x, k: x, v: x });
    t.deepEqual(output.shape, x.shape);
  });
}

for (const workerUrl of ['workers/worker.js', 'https://example.org/worker.js', '', 5, null, {}]) {
  test(`${JSON.stringify(workerUrl)} is no place of a worker`, async (t) => {
    await assertRefused(t, () => createEngine({ workerUrl } as unknown as EngineOptions), {
      code: 'INVALID_OPTION',
      what: 'a URL of a file or its absolute path for `workerUrl`',
    });
  });
}

test('a place without a worker is refused at once, by its path', async (t) => {
  const workerUrl = new URL('no-worker.js', url);
  const error = await t.throwsAsync(createEngine({ workerUrl }), { code: 'WORKER_START' });
  t.true(error.message.includes(fileURLToPath(workerUrl)), error.message);
  t.regex(error.message, /`workerUrl`/);
});

test('workers of another version are refused, with both versions', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'headpool-workers-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'worker.js'), '');
  await writeFile(join(folder, 'package.json'), '{ "name": "headpool-workers", "version": "0.0.9" }');
  await assertRefused(t, () => createEngine({ workerUrl: join(folder, 'worker.js') }), {
    code: 'WORKER_START',
    what: ['are of version 0.0.9', `the library is of ${version}`],
  });
});

test('the version compiled in is that of the package', (t) => {
  t.is(version, packageVersion());
});
