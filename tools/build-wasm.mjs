// Compiles the shared C++ source to two WebAssembly modules with clang compiled to WebAssembly: no compiler on the
// machine is needed. `simd.wasm` runs wherever shared memory does; `relaxed.wasm` adds fused multiply-adds.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { commands, runLLVM } from '@yowasp/clang';

const kernels = new URL('../workers/kernels/', import.meta.url);
const target = new URL('../dist/workers/kernels/wasm/', import.meta.url);

const compileFlags = [
  '--target=wasm32-wasip1-threads',
  '-std=c++17',
  '-O3',
  '-I.',
  '-ffreestanding',
  '-nostdlibinc',
  '-fno-exceptions',
  '-fno-rtti',
  // Two roundings where the source says two: the plain module must not depend on what the optimiser fuses.
  '-ffp-contract=off',
  '-msimd128',
  '-matomics',
  '-mbulk-memory',
  // Loop strength reduction hides constant offsets from the addressing mode; without it loads fold them in.
  '-mllvm',
  '-disable-lsr',
  '-Wall',
  '-Wextra',
  '-Werror',
];
const linkFlags = [
  '--no-entry',
  '--export-dynamic',
  '--export=__stack_pointer',
  '-z',
  'stack-size=65536',
  '--import-memory',
  '--shared-memory',
  '--max-memory=4294967296',
];
const variants = { simd: [], relaxed: ['-mrelaxed-simd'] };

// Loads the compiler without running it, and without reporting how far its 100 MB have been read.
await runLLVM(null, undefined, { fetchProgress() {} });
const source = await readFolders(['source', 'wasm']);
await mkdir(target, { recursive: true });
for (const [name, flags] of Object.entries(variants)) {
  const args = [...compileFlags, ...flags, '-c', 'wasm/exports.cc', '-o', 'kernel.o'];
  const compiled = await runTool('clang++', args, source);
  const linked = await runTool('wasm-ld', [...linkFlags, 'kernel.o', '-o', 'kernel.wasm'], compiled);
  await writeFile(new URL(`${name}.wasm`, target), linked['kernel.wasm']);
}

async function runTool(name, args, files) {
  try {
    return await commands[name](args, files);
  } catch (error) {
    // The tool has said what is wrong; its error carries every file and would bury that.
    console.error(`${name} failed (${error.message})`);
    return process.exit(1);
  }
}

async function readFolders(names) {
  const tree = {};
  for (const name of names) {
    const folder = new URL(`${name}/`, kernels);
    tree[name] = {};
    for (const file of await readdir(folder)) {
      if (/\.(h|cc)$/.test(file)) tree[name][file] = await readFile(new URL(file, folder), 'utf8');
    }
  }
  return tree;
}
