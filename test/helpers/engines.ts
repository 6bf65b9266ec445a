// One engine a kernel for a whole test file, and titles that name the kernel.
import { existsSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { addonPath } from '../../src/core/load-addon.js';
import { createEngine, type Engine } from '../../src/index.js';
import type { CpuKernelName } from '../../src/core/protocol/kernels.js';
import { assertPools } from './precision-pools.js';

/** Where the native kernel is, if the build found a C++ compiler; without one, a build is complete without it. */
export const nativeAddon = addonPath(new URL('../../workers/kernels/native/addon.js', import.meta.url).href);
export const hasAddon = existsSync(nativeAddon);

/** Why tests of the native kernel can't be run here; undefined if they can. */
export const addonProblem = hasAddon ? undefined : 'the native kernel was not built here';

/** Every kernel that the tests walk, best first; one that this machine can't run fails them. */
export const kernels: readonly CpuKernelName[] = [
  ...(hasAddon ? ['native' as const] : []),
  'wasm',
  'reference',
];

/** Starts an engine a kernel before the tests of this file and closes it after them. */
export function openEngines(threads = 2): (kernel: CpuKernelName) => Engine {
  const engines = new Map<CpuKernelName, Engine>();
  test.before('starts an engine for each kernel', async (t) => {
    for (const kernel of kernels) engines.set(kernel, await createEngine({ kernel, threads }));
    t.is(engines.size, kernels.length);
  });
  test.after.always('closes the engines', async () => {
    for (const engine of engines.values()) await engine.close();
  });
  return (kernel) => engines.get(kernel)!;
}

type Body = (t: ExecutionContext, engine: Engine) => Promise<void> | void;

/** Declares one test a kernel; the results that it adds are held against the precision promise when it ends. */
export function testKernels(engineOf: (kernel: CpuKernelName) => Engine, title: string, body: Body): void {
  for (const kernel of kernels) {
    test(`${kernel}: ${title}`, async (t) => {
      await body(t, engineOf(kernel));
      assertPools(t);
    });
  }
}
