// Runs in a process of its own, which may be started with V8 flags and HEADPOOL_ISA: the kernel checks on the native
// kernel or on one variant of the WebAssembly module, as the first argument says. Prints JSON: the instruction set, null
// where it can't run, and what failed.
import { readFileSync } from 'node:fs';
import { createEngine } from '../../src/index.js';
import { attendOracle } from '../oracle/oracle.js';
import { attentionCase } from './attention-case.js';
import { createBench } from './kernel-bench.js';
import { kernelChecks } from './kernel-checks.js';
import { attendNaive32 } from './naive32.js';
import { PrecisionPool } from './tolerance.js';

export interface ChildReport {
  readonly instructionSet: string | null;
  readonly ran: readonly string[];
  readonly problems: readonly string[];
}

const variant = process.argv[2] as 'native' | 'simd' | 'relaxed';
const name = variant === 'native' ? 'native' : 'wasm';
const wasmFolder = new URL('../../workers/kernels/wasm/', import.meta.url);
const relaxed = readFileSync(new URL('relaxed.wasm', wasmFolder));
if (variant === 'simd') {
  // The registry takes the best module that validates; only refusing that one lets the other have its turn.
  const validate = WebAssembly.validate.bind(WebAssembly);
  WebAssembly.validate = (bytes) => bytes.length !== relaxed.length && validate(bytes);
}
const canRun = variant !== 'relaxed' || WebAssembly.validate(relaxed);
process.stdout.write(
  JSON.stringify(canRun ? await runChecks() : { instructionSet: null, ran: [], problems: [] }),
);

async function runChecks(): Promise<ChildReport> {
  const { kernel } = createBench(name);
  const [ran, problems]: [string[], string[]] = [[], []];
  for (const [title, check] of Object.entries(kernelChecks)) {
    ran.push(title);
    try {
      check(createBench(name));
    } catch (error) {
      problems.push(`${title}: ${(error as Error).message}`);
    }
  }
  // Worker threads have a WebAssembly of their own, which knows nothing of what was refused here.
  if (variant !== 'simd') {
    ran.push('a whole engine');
    problems.push(...(await checkEngine(kernel.traits.instructionSet)));
  }
  return { instructionSet: kernel.traits.instructionSet, ran, problems };
}

async function checkEngine(instructionSet: string): Promise<string[]> {
  const problems: string[] = [];
  const engine = await createEngine({ kernel: name, threads: 2 });
  if (engine.info.instructionSet !== instructionSet)
    problems.push(`workers run ${engine.info.instructionSet}`);
  const pool = new PrecisionPool();
  for (let seed = 0; seed < 40; seed++) {
    const shape = {
      batch: 2,
      heads: 4,
      kvHeads: 2,
      queries: 1 + ((seed * 13) % 66),
      keys: 1 + ((seed * 7) % 70),
    };
    const { inputs, oracle } = attentionCase({ ...shape, headDim: 1 + seed, seed, causal: 'bottom-right' });
    const { output } = await engine.attention(inputs);
    pool.add({
      actual: output.data,
      oracle: attendOracle(oracle).output,
      naive: attendNaive32(oracle).output,
    });
  }
  await engine.close();
  const problem = pool.findProblem();
  if (problem !== undefined) problems.push(problem);
  return problems;
}
