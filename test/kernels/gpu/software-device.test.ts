// The software device of checkouts: unpacked once, found by Dawn in worker threads of any process.
import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeFolder } from '../../helpers/make-folder.js';
import { gpuTest } from '../../helpers/software-gpu.js';
import { findChromium } from '../../../workers/kernels/gpu/unpack-chromium.js';

const child = fileURLToPath(new URL('../../helpers/software-device-child.js', import.meta.url));

async function findAdapter(temporary: string): Promise<string> {
  const env = { ...process.env, TMPDIR: temporary };
  const { stdout } = await promisify(execFile)(process.execPath, [child], { env });
  return stdout;
}

gpuTest('processes that start at once find the software device, unpacked once', async (t) => {
  const temporary = await makeFolder(t);
  const adapters = await Promise.all(Array.from({ length: 4 }, () => findAdapter(temporary)));
  for (const adapter of adapters) t.regex(adapter, /SwiftShader/);
  const [cache, ...others] = await readdir(temporary);
  t.deepEqual(others, []);
  t.deepEqual(await readdir(join(temporary, cache!)), ['vulkan']);
});

gpuTest('nothing is loaded from a folder that others can write to', async (t) => {
  const temporary = await makeFolder(t);
  const cache = join(temporary, `headpool-chromium-${findChromium()!.version}-${userInfo().uid}`);
  await mkdir(cache);
  await chmod(cache, 0o777);
  const error = await t.throwsAsync(findAdapter(temporary));
  t.regex(error.message, /expected a folder that only this user can write to/);
  t.deepEqual(await readdir(cache), []);
});
