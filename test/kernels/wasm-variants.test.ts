// Both WebAssembly modules, whichever of them this process would choose: each in a process of its own.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import type { ChildReport } from '../helpers/kernel-child.js';
import { kernelChecks } from '../helpers/kernel-checks.js';

const child = fileURLToPath(new URL('../helpers/kernel-child.js', import.meta.url));
const relaxed = readFileSync(new URL('../../workers/kernels/wasm/relaxed.wasm', import.meta.url));
// Node 20 has relaxed SIMD behind a flag, later ones have it without.
const relaxedFlags = WebAssembly.validate(relaxed) ? process.execArgv : ['--experimental-wasm-relaxed-simd'];

async function runChild(variant: 'simd' | 'relaxed', flags: readonly string[]): Promise<ChildReport> {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, child, variant]);
  return JSON.parse(stdout) as ChildReport;
}

test('simd.wasm passes the kernel checks', async (t) => {
  const { instructionSet, ran, problems } = await runChild('simd', []);
  t.is(instructionSet, 'WebAssembly SIMD');
  t.deepEqual(ran, Object.keys(kernelChecks));
  t.deepEqual(problems, []);
});

test('relaxed.wasm passes the kernel checks, and an engine runs it, where it validates', async (t) => {
  const { instructionSet, ran, problems } = await runChild('relaxed', relaxedFlags);
  if (instructionSet === null) {
    t.log('this Node.js accepts no relaxed SIMD');
    t.pass();
    return;
  }
  t.is(instructionSet, 'WebAssembly relaxed SIMD');
  t.deepEqual(ran, [...Object.keys(kernelChecks), 'a whole engine']);
  t.deepEqual(problems, []);
});
