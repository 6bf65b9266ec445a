// The packages that only users of a GPU install: a copy of the folder looks for them where they are missing or broken.
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { HeadpoolError } from '../../../src/core/errors.js';
import type * as openDevice from '../../../workers/kernels/gpu/open-device.js';
import { makeFolder } from '../../helpers/make-folder.js';

const compiled = fileURLToPath(new URL('../../../', import.meta.url));

/** @param packages the texts of those that are there */
async function openBeside(t: ExecutionContext, packages: Readonly<Record<string, string>>): Promise<unknown> {
  const folder = await makeFolder(t);
  for (const part of ['workers/kernels/gpu', 'src/core'])
    await cp(join(compiled, part), join(folder, part), { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  for (const [name, text] of Object.entries(packages)) {
    const place = join(folder, 'node_modules', name);
    await mkdir(place, { recursive: true });
    await writeFile(join(place, 'index.js'), text);
  }
  const module = (await import(
    pathToFileURL(join(folder, 'workers/kernels/gpu/open-device.js')).href
  )) as typeof openDevice;
  return module.openDevice().then(
    () => 'opened',
    (error: unknown) => {
      const { code, message } = error as HeadpoolError;
      return { code, message };
    },
  );
}

for (const [title, packages, message] of [
  ['gpu.js is missing', {}, 'The GPU needs the package gpu.js: npm install gpu.js'],
  ['webgpu is missing', { 'gpu.js': '' }, 'The GPU needs the package webgpu: npm install webgpu'],
  [
    'webgpu does not load',
    { 'gpu.js': '', webgpu: 'throw new Error("GLIBC_2.38 not found\\nand more")' },
    'The package webgpu, which the GPU needs, does not load here: GLIBC_2.38 not found',
  ],
] as const) {
  test(`${title}: the error says so`, async (t) => {
    t.deepEqual(await openBeside(t, packages), { code: 'DEVICE_UNAVAILABLE', message });
  });
}
