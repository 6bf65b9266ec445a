// The compiled command with something on its standard input, and the small layer that it runs in tests.
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { writeStateDict } from '../../src/files/state-dict.js';
import { weightsToTorch } from '../../src/index.js';
import type { Tensor } from '../../src/core/tensor/tensor.js';
import { heads, smallWeights } from './batch-run.js';

const cli = fileURLToPath(new URL('../../command/headpool.js', import.meta.url));

export interface Piped {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs the command with `input` on its standard input. */
export async function headpoolPiped(input: Uint8Array, ...args: string[]): Promise<Piped> {
  const child = spawn(process.execPath, [cli, ...args], { stdio: 'pipe' });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  child.stdin.on('error', () => undefined); // Whoever needs no input may end first.
  child.stdin.end(input);
  const [stdout, stderr, code] = await Promise.all([buffer(child.stdout), buffer(child.stderr), ended]);
  return { code, stdout, stderr: stderr.toString() };
}

/** Flags of a small layer whose weights are in `folder`, with two threads. */
export async function layerFlags(folder: string): Promise<string[]> {
  const path = join(folder, 'w.safetensors');
  await writeStateDict(path, weightsToTorch(smallWeights) as ReadonlyMap<string, Tensor>);
  return ['--weights', path, '--heads', String(heads), '--threads', '2'];
}
