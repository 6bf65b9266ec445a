// gpu.js and webgpu (Dawn), which only users of a GPU install: loaded when one is asked for.
import type * as gpuJs from 'gpu.js';
import type * as dawn from 'webgpu';
import { HeadpoolError } from '../../../src/core/errors.js';

export interface Packages {
  readonly gpuJs: typeof gpuJs;
  readonly dawn: typeof dawn;
}

export async function loadPackages(): Promise<Packages> {
  return {
    gpuJs: await load('gpu.js', () => import('gpu.js')),
    dawn: await load('webgpu', () => import('webgpu')),
  };
}

async function load<T>(name: string, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${name}'`);
    const problem = isMissing
      ? `The GPU needs the package ${name}: npm install ${name}`
      : `The package ${name}, which the GPU needs, does not load here: ${message.split('\n', 1)[0]}`;
    throw new HeadpoolError('DEVICE_UNAVAILABLE', problem, { cause });
  }
}
