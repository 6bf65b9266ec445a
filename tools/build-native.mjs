// Compiles the shared C++ source to a Node-API addon with the compiler of the machine: one object for each instruction
// set of its architecture, and the binding. Says nothing where all went well. Without a compiler it says so and succeeds:
// the WebAssembly kernel serves.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { include_dir as nodeApiHeaders } from 'node-api-headers';
import {
  architectures,
  compile,
  compileSet,
  findCompiler,
  haveSet,
  linkAddon,
  platforms,
} from './toolchain.mjs';

const here = fileURLToPath(new URL('../workers/kernels/native/', import.meta.url));
const target = fileURLToPath(new URL('../dist/workers/kernels/native/', import.meta.url));

const objects = await mkdtemp(join(tmpdir(), 'headpool-'));
try {
  process.exitCode = await build();
} finally {
  await rm(objects, { recursive: true });
}

/** The exit code. */
async function build() {
  const sets = architectures[process.arch];
  if (sets === undefined || !platforms.includes(process.platform))
    return skip(`nothing to build for ${process.platform}-${process.arch}`);
  const compiler = await findCompiler(objects);
  if ('reason' in compiler) return skip(compiler.reason);

  const outcomes = await Promise.all(
    Object.keys(sets).map((name) => compileSet(compiler, name, join(here, 'operations.cc'), [])),
  );
  const built = outcomes.filter(({ state }) => state === 'built');
  const macros = built.map(({ name }) => haveSet(name));
  const binding = await compile(compiler, 'binding', join(here, 'binding.cc'), [
    `-I${nodeApiHeaders}`,
    ...macros,
  ]);
  const failed = [...outcomes, binding].filter(({ state }) => state === 'failed');
  for (const { output } of [...outcomes, binding]) process.stderr.write(output);
  if (failed.length > 0) {
    console.error(`headpool: the native kernel could not be compiled by ${compiler.command.join(' ')}`);
    return 1;
  }
  return linkAddon(compiler, [...built.map(({ object }) => object), binding.object], target);
}

function skip(reason) {
  console.error(`headpool: no native kernel, the WebAssembly kernel serves: ${reason}`);
  return 0;
}
