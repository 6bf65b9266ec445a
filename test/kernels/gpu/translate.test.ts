// JavaScript kernels as WGSL: what is computed with integers, and that neither long loops nor bundles change a kernel.
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { build, type Plugin } from 'esbuild';
import { regionOf, RegionViews } from '../../../src/core/tensor/region.js';
import { matrix } from '../../../workers/kernels/gpu/plain/place.js';
import { plainKernels } from '../../../workers/kernels/gpu/plain/shaders.js';
import type { Dispatch } from '../../../workers/kernels/gpu/dispatch.js';
import { translate, type Placed } from '../../../workers/kernels/gpu/plain/translate.js';
import type { Shader } from '../../../workers/kernels/gpu/shader.js';
import { packageRoot } from '../../helpers/package-root.js';
import { openSoftwareDevice, ProgramRunner } from '../../helpers/run-program.js';
import { gpuTest } from '../../helpers/software-gpu.js';

interface Shaders {
  readonly plainKernels: typeof plainKernels;
}

interface KeepTexts {
  readonly keepTexts: (root: string, folder: string) => Plugin;
}

const root = fileURLToPath(packageRoot());
const shaders = Object.values(plainKernels()).map(({ shader }) => shader);

/** The part of a shader that gpu.js has translated. */
function translatedIn({ code }: Shader): string {
  return code.slice(code.indexOf('let data_index'));
}

test('indices, sizes and positions are integers in every kernel', (t) => {
  for (const shader of shaders) {
    const text = translatedIn(shader);
    t.regex(text, /i32\(threadGid|params\.user_number/, shader.name);
    // Loops over arguments count in integers, and elements are told by integers.
    for (const [, name] of text.matchAll(/if \(!\(\(user_(\w+)<params\.user_\w+\)\)\) \{ break; \}/g))
      t.regex(text, new RegExp(`var user_${name!} : i32 = 0;`), `${shader.name} ${name!}`);
    t.notRegex(text, /get_user_\w+\([^)]*f32\(/, shader.name);
    for (const [, name] of shader.code.matchAll(/^ {2}user_(\w+) : f32/gm))
      t.true(['scale', 'softcap', 'instead', 'factor', 'share', 'number'].includes(name!), name);
  }
});

test('a kernel whose arguments are not those that are named is refused', (t) => {
  function twice(x: number): number {
    return 2 * x;
  }
  t.throws(() => translate(twice, { y: 'number' }), { message: 'twice takes x, not y' });
});

test('each kernel has a text of its own', (t) => {
  t.is(new Set(shaders.map(({ code }) => code)).size, shaders.length);
});

/** The kernels' texts out of a bundle as small as esbuild makes it. */
async function bundledTexts(
  t: ExecutionContext,
  pluginsFor: (folder: string) => Plugin[],
): Promise<string[]> {
  // Below the checkout, where packages are found.
  const folder = await mkdtemp(join(root, 'dist/test/bundle-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await build({
    entryPoints: [join(root, 'workers/kernels/gpu/plain/shaders.ts')],
    outdir: folder,
    bundle: true,
    minify: true,
    keepNames: true,
    format: 'esm',
    platform: 'node',
    plugins: pluginsFor(folder),
  });
  const bundled = (await import(pathToFileURL(join(folder, 'shaders.js')).href)) as Shaders;
  return Object.values(bundled.plainKernels()).map(({ shader }) => shader.code);
}

test('bundles leave kernels as they are', async (t) => {
  const { keepTexts } = (await import(new URL('tools/keep-texts.mjs', packageRoot()).href)) as KeepTexts;
  const texts = await bundledTexts(t, (folder) => [keepTexts(root, folder)]);
  t.deepEqual(
    texts,
    shaders.map(({ code }) => code),
  );
});

test('without that they would not be read', async (t) => {
  await t.throwsAsync(bundledTexts(t, () => []));
});

/** Runs a dispatch that writes `length` floats. */
async function compute(length: number, dispatchTo: (to: Placed) => Dispatch): Promise<Float32Array> {
  const output = new Float32Array(new SharedArrayBuffer(4 * length));
  const views = new RegionViews(undefined);
  const runner = new ProgramRunner(await openSoftwareDevice(), views);
  await runner.run({ dispatches: [dispatchTo(matrix(regionOf(output), 1, length))] });
  return output;
}

gpuTest('a sum over more than a thousand numbers is whole', async (t) => {
  const depth = 1500;
  const ones = new Float32Array(new SharedArrayBuffer(4 * depth)).fill(1);
  const panel = new Float32Array(new SharedArrayBuffer(16 * (1 + depth))).fill(1);
  const output = await compute(4, (to) =>
    plainKernels().multiplyRows.dispatch([4, 1, 1], to, {
      rows: matrix(regionOf(ones), 1, depth),
      panels: { ...matrix(regionOf(panel), 1, 1), rowStride: 4 * (1 + depth), columnStride: 1 },
      depth,
    }),
  );
  t.deepEqual([...output], [1501, 1501, 1501, 1501]);
});
