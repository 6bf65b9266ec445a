// Compiles the kernels with AddressSanitizer and UndefinedBehaviorSanitizer into one program and runs it: first on seeded
// faults, which it must find, then on the cases. Succeeds with a word where the machine has no compiler.
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machine } from '../../tools/targets.mjs';
import {
  compile,
  compileSet,
  execute,
  findCompiler,
  firstLine,
  haveSet,
  nameSet,
} from '../../tools/toolchain.mjs';
import { withFolder } from '../../tools/with-folder.mjs';
import { findSupported } from './supported.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
// After the flags of the build, so that these hold. The lowest level that still inlines what is said to be inlined
// compiles twice as fast as the next.
const debugFlags = ['-O1', '-g', '-fno-omit-frame-pointer', '-Wno-psabi'];
const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const programFiles = [
  'main',
  'self_test',
  'attention_cases',
  'decoding_cases',
  'projection_cases',
  'function_cases',
];

process.exitCode = await withFolder('headpool-test-', test);

/** The exit code. */
async function test(folder) {
  const compiler = await findCompiler(machine, folder);
  if ('reason' in compiler) return skip(compiler.reason);

  const checks = await findSanitizers(compiler);
  const program = await buildProgram(compiler, await findSupported(compiler), checks);
  if (program === undefined) return 1;
  const code = await run(program, ['--self-test']);
  return code === 0 ? run(program, []) : code;
}

function skip(reason) {
  console.log(`The native kernel is not tested: ${reason}`);
  return 0;
}

/** The flags that turn the sanitizers on, none where a program that has them does not run. */
async function findSanitizers(compiler) {
  const source = join(compiler.folder, 'sanitized.cc');
  const program = join(compiler.folder, 'sanitized');
  await writeFile(source, 'int main() { return 0; }\n');
  const { code, output } = await execute(compiler, [
    ...machine.compileFlags,
    ...sanitizers,
    source,
    '-o',
    program,
  ]);
  const outcome = code === 0 ? await execute({ command: [program] }, []) : { code, output };
  if (outcome.code === 0) return [...sanitizers, '-DHEADPOOL_SANITIZED'];
  console.log(`without sanitizers, with guard pages alone: ${firstLine(outcome.output)}`);
  return [];
}

/** The program's path, or undefined where something could not be compiled. */
async function buildProgram(compiler, sets, checks) {
  const flags = [...debugFlags, ...checks, `-I${here}`];
  const kernels = join(here, 'kernels.cc');
  const outcomes = await inTurns([
    ...sets.map((name) => () => compileSet(compiler, name, kernels, flags)),
    ...(process.arch === 'x64' && !sets.includes('avx512')
      ? [() => compileEmulated(compiler, kernels, flags)]
      : []),
  ]);
  const built = outcomes.filter(({ state }) => state === 'built');
  const macros = built.map(({ name }) => haveSet(name));
  const files = await inTurns(
    programFiles.map(
      (name) => () => compile(compiler, name, join(here, `${name}.cc`), [...flags, ...macros]),
    ),
  );
  for (const { output } of [...outcomes, ...files]) process.stderr.write(output);
  if ([...outcomes, ...files].some(({ state }) => state === 'failed')) return undefined;

  const program = join(compiler.folder, 'test');
  const objects = [...built, ...files].map(({ object }) => object);
  const { code, output } = await execute(compiler, [
    ...machine.compileFlags,
    ...objects,
    ...checks,
    '-o',
    program,
  ]);
  process.stderr.write(output);
  return code === 0 ? program : undefined;
}

/** The kernels in the shapes of AVX-512, for processors without it. */
function compileEmulated(compiler, source, flags) {
  const emulation = ['-include', join(here, 'emulated_avx512.h'), nameSet('emulated')];
  return compile(compiler, 'emulated', source, [...flags, ...emulation]);
}

/** Runs as many tasks at a time as there are processors; a compiler takes half a gigabyte. */
async function inTurns(tasks) {
  const results = [];
  const waiting = [...tasks.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, task] = next;
      results[index] = await task();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return results;
}

/** The exit code of the program, whose output is ours. */
function run(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal !== null) console.error(`The program died of ${signal}`);
      resolve(code ?? 1);
    });
  });
}
