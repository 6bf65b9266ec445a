// Addons that can't be loaded: each is a reason, and neither an error nor the end of the process.
import { copyFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { addonPath, loadAddon } from '../../src/core/load-addon.js';
import { addonProblem, nativeAddon } from '../helpers/engines.js';
import { makeFolder } from '../helpers/make-folder.js';
import { testUnless } from '../helpers/skips.js';

/** The module of a folder, and where its addon is looked for. */
async function makeModule(t: ExecutionContext): Promise<{ moduleUrl: string; path: string }> {
  const moduleUrl = pathToFileURL(join(await makeFolder(t), 'module.js')).href;
  return { moduleUrl, path: addonPath(moduleUrl) };
}

test('where there is no addon, the reason names the platform', async (t) => {
  const { moduleUrl } = await makeModule(t);
  t.is(reasonOf(moduleUrl), `there is no addon for ${process.platform}-${process.arch}`);
});

/** None where it was loaded. */
function reasonOf(moduleUrl: string): string {
  const answer = loadAddon(moduleUrl) as { readonly reason?: string };
  return answer.reason ?? '';
}

const testAddon = testUnless(addonProblem);

testAddon('a whole copy is loaded', async (t) => {
  const { moduleUrl, path } = await makeModule(t);
  await copyFile(nativeAddon, path);
  t.is(reasonOf(moduleUrl), '');
});

for (const share of [0, 0.00001, 0.001, 0.1, 0.5, 0.9, 0.999]) {
  testAddon(`an addon of which ${100 * share} % are there is a reason`, async (t) => {
    const { moduleUrl, path } = await makeModule(t);
    await copyFile(nativeAddon, path);
    await truncate(path, Math.floor(share * (await readFile(nativeAddon)).length));
    t.regex(reasonOf(moduleUrl), /^.*\.node.*$/);
  });
}

const damages: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  'of another kind of processor': (bytes) => {
    bytes[18]! ^= 0xff;
    return bytes;
  },
  'of which nothing is left but zeros': (bytes) => bytes.fill(0),
  'that is a text': () => Buffer.from('version https://git-lfs.github.com/spec/v1\n'),
};
for (const [title, damage] of Object.entries(damages)) {
  testAddon(`an addon ${title} is a reason`, async (t) => {
    const { moduleUrl, path } = await makeModule(t);
    await writeFile(path, damage(await readFile(nativeAddon)));
    t.regex(reasonOf(moduleUrl), /^.+$/);
  });
}
