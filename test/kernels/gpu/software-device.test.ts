// The software device of checkouts: unpacked once, found by Dawn in worker threads of any process.
import { chmod, mkdir, readdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../../helpers/make-folder.js';
import { gpuTest, runGpuChild, softwareGpu } from '../../helpers/software-gpu.js';
import { findChromium } from '../../../workers/kernels/gpu/unpack-chromium.js';

gpuTest('processes that start at once find the software device, unpacked once', async (t) => {
  const env = { ...softwareGpu, TMPDIR: await makeFolder(t) };
  const ends = await Promise.all(Array.from({ length: 4 }, () => runGpuChild('open', env)));
  for (const { answer, code, errors } of ends) {
    t.like(answer, { architecture: 'swiftshader' });
    t.is(code, 0);
    t.is(errors, '');
  }
  const [cache, ...others] = await readdir(env.TMPDIR);
  t.deepEqual(others, []);
  t.deepEqual(await readdir(join(env.TMPDIR, cache!)), ['vulkan']);
});

gpuTest('nothing is loaded from a folder that others can write to', async (t) => {
  const env = { ...softwareGpu, TMPDIR: await makeFolder(t) };
  const cache = join(env.TMPDIR, `headpool-chromium-${findChromium()?.version}-${userInfo().uid}`);
  await mkdir(cache);
  await chmod(cache, 0o777);
  t.deepEqual((await runGpuChild('open', env)).answer, {
    code: 'DEVICE_UNAVAILABLE',
    message: `${cache}: expected a folder that only this user can write to; remove it`,
  });
  t.deepEqual(await readdir(cache), []);
});

gpuTest('another value of HEADPOOL_GPU is an error', async (t) => {
  t.deepEqual((await runGpuChild('open', { HEADPOOL_GPU: 'hardware' })).answer, {
    code: 'INVALID_OPTION',
    message: 'Expected `software` for `HEADPOOL_GPU`, got `"hardware"` (string)',
  });
});
