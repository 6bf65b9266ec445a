// Both WebAssembly modules, whichever of them this process would choose: each in a process of its own.
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import type { ChildReport } from '../helpers/kernel-child.js';
import { kernelChecks } from '../helpers/kernel-checks.js';
import { testUnless } from '../helpers/skips.js';

const child = fileURLToPath(new URL('../helpers/kernel-child.js', import.meta.url));
const relaxedPath = fileURLToPath(new URL('../../workers/kernels/wasm/relaxed.wasm', import.meta.url));
// Node 20 has relaxed SIMD behind a flag, later ones have it without.
const relaxedFlags = WebAssembly.validate(readFileSync(relaxedPath))
  ? process.execArgv
  : ['--experimental-wasm-relaxed-simd'];

/** Why no process can have relaxed SIMD here; undefined if one can. */
function findRelaxedProblem(): string | undefined {
  const program = 'process.exitCode = WebAssembly.validate(fs.readFileSync(process.argv[1])) ? 0 : 1';
  const { status } = spawnSync(process.execPath, [...relaxedFlags, '--eval', program, relaxedPath]);
  return status === 0 ? undefined : 'this Node.js accepts no relaxed SIMD';
}

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

const testRelaxed = testUnless(findRelaxedProblem());
testRelaxed('relaxed.wasm passes the kernel checks, and an engine runs it', async (t) => {
  const { instructionSet, ran, problems } = await runChild('relaxed', relaxedFlags);
  t.is(instructionSet, 'WebAssembly relaxed SIMD');
  t.deepEqual(ran, [...Object.keys(kernelChecks), 'a whole engine']);
  t.deepEqual(problems, []);
});
