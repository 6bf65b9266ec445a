// The software Vulkan device of checkouts: with HEADPOOL_GPU=software the GPU kernels run where there is no GPU, slowly, for
// tests. That variable is a switch for them, and this file alone reads it.
import { readFile, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { expected, HeadpoolError } from '../../../src/core/errors.js';
import { findChromium, unpackOnce } from './unpack-chromium.js';

/** The name by which Dawn asks for Vulkan. */
const vulkanName = 'libvulkan.so.1';
const softwareName = 'libvk_swiftshader.so';

/** Keeps a library loaded when it is closed; Node has no name for it. */
const keepLoaded = 0x1000;

/**
 * What Dawn is created with for the software device. It would fill workgroup memory with zeros by an instruction for every
 * number, which takes seconds to compile; no shader of ours reads what it hasn't written. GPUs keep Dawn's default.
 */
export const softwareFlags: readonly string[] = ['enable-dawn-features=disable_workgroup_init'];

/** Whether HEADPOOL_GPU asks for the software device. */
export function wantsSoftwareDevice(): boolean {
  const asked = process.env['HEADPOOL_GPU'];
  if (asked === undefined || asked === '') return false;
  if (asked !== 'software') throw expected('INVALID_OPTION', '`software`', 'HEADPOOL_GPU', asked);
  return true;
}

/** Why there is no software device here, or undefined: it needs x64 Linux and @sparticuz/chromium. */
export function findSoftwareProblem(): string | undefined {
  const { platform, arch } = process;
  if (platform !== 'linux' || arch !== 'x64')
    return `the software device runs on x64 Linux only, not on ${platform} ${arch}`;
  return findChromium() === undefined
    ? 'the software device comes with @sparticuz/chromium, a development dependency of a checkout, which is not installed'
    : undefined;
}

/** Makes the software device the one that Dawn finds in this process. */
export async function loadSoftwareDevice(): Promise<void> {
  const problem = findSoftwareProblem();
  const chromium = findChromium();
  if (problem !== undefined || chromium === undefined)
    throw new HeadpoolError('DEVICE_UNAVAILABLE', `HEADPOOL_GPU=software: ${problem}`);
  const folder = await unpackOnce(chromium, 'vulkan', async (path) => {
    await chromium.unpack('swiftshader.tar.br', path);
    const library = await readFile(join(path, softwareName));
    await writeFile(join(path, vulkanName), renameLibrary(library));
  });
  const problemOfLoading = loadLibrary(join(folder, vulkanName));
  if (problemOfLoading !== undefined)
    throw new HeadpoolError('DEVICE_UNAVAILABLE', `HEADPOOL_GPU=software: ${problemOfLoading}`);
}

/**
 * The device's library under the name of the Vulkan loader, whose place it can take as it answers to the same functions.
 * The loader would look for devices in variables of the environment, which a worker thread can't set.
 */
function renameLibrary(library: Buffer): Buffer {
  const name = Buffer.from(`\0${softwareName}\0`);
  const at = library.indexOf(name);
  if (at < 0 || library.indexOf(name, at + 1) >= 0)
    throw new HeadpoolError('DEVICE_UNAVAILABLE', `Expected the name of ${softwareName} in it once`);
  const renamed = Buffer.from(library);
  renamed.write(`${vulkanName}\0`, at + 1);
  return renamed;
}

/**
 * Loads a library that is no addon, for good; returns why not, or undefined. Who asks for its name later gets it, wherever
 * it lies.
 */
export function loadLibrary(path: string): string | undefined {
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | keepLoaded);
  } catch (error) {
    const { message } = error as Error;
    // Node has loaded it when it finds out that it is no addon.
    return message.includes('did not self-register') ? undefined : message;
  }
  return undefined;
}
