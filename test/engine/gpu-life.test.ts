// Engines on a GPU in processes of their own: these end, whatever becomes of the engines.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { gpuTest, softwareGpu } from '../helpers/software-gpu.js';
import type { Ending } from './hosts/gpu.js';

const script = fileURLToPath(new URL('hosts/gpu.js', import.meta.url));

/** How the process ends, and all that it prints. */
async function run(ending: Ending): Promise<{ readonly code: number | null; readonly printed: string }> {
  const child = spawn(process.execPath, [script, ending], {
    env: { ...process.env, ...softwareGpu },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
    killSignal: 'SIGKILL',
  });
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, printed: output + errors };
}

gpuTest('50 engines in a row leave a process that ends by itself', async (t) => {
  t.timeout(320_000);
  t.deepEqual(await run('often'), { code: 0, printed: '' });
});

gpuTest('a process that never closes its engine ends when it exits', async (t) => {
  t.deepEqual(await run('exit'), { code: 7, printed: '' });
});
