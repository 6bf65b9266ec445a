// Tests of the GPU kernels on the software device: where it can't run they count as skipped, and their titles say why.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { findSoftwareProblem } from '../../workers/kernels/gpu/software-device.js';
import type { GpuScenario } from './gpu-child.js';
import { testSeriallyUnless } from './skips.js';

/** Declares a test that needs the software device. */
export const gpuTest = testSeriallyUnless(findSoftwareProblem());

/** What to add to the environment of a process whose GPU is the software device. */
export const softwareGpu = { HEADPOOL_GPU: 'software' } as const;

/** How a process of `gpu-child.ts` ended, and what it told. */
export interface ChildEnd {
  readonly answer: unknown;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it printed besides. */
  readonly errors: string;
}

const child = fileURLToPath(new URL('gpu-child.js', import.meta.url));

/** Runs a scenario in a process of its own. One that hangs is killed, which its `signal` tells. */
export async function runGpuChild(
  scenario: GpuScenario,
  env: NodeJS.ProcessEnv = softwareGpu,
  ending: 'by itself' | 'exit' | 'terminate' = 'by itself',
): Promise<ChildEnd> {
  const started = spawn(process.execPath, [child, scenario, ending], {
    env: { ...process.env, HEADPOOL_GPU: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 100_000,
    killSignal: 'SIGKILL',
  });
  const [output, errors, [code, signal]] = await Promise.all([
    text(started.stdout),
    text(started.stderr),
    once(started, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { answer: output === '' ? undefined : JSON.parse(output), code, signal, errors };
}
