// Compiles the shared C++ source to a Node-API addon with the compiler of the machine: one object for each instruction
// set of its architecture, and the binding. Says nothing where all went well. Without a compiler it says so and succeeds:
// the WebAssembly kernel serves.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { include_dir as nodeApiHeaders } from 'node-api-headers';

/** The instruction sets of each architecture and the flags that turn them on; the baseline must compile. */
const architectures = {
  x64: {
    avx512: ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mavx2', '-mfma', '-mf16c'],
    avx2: ['-mavx2', '-mfma', '-mf16c'],
    baseline: [],
  },
  arm64: { neon: [] },
};
const platforms = ['linux', 'darwin', 'freebsd'];

const here = fileURLToPath(new URL('.', import.meta.url));
const kernels = fileURLToPath(new URL('..', import.meta.url));
const target = fileURLToPath(new URL('../../../dist/workers/kernels/native/', import.meta.url));

const isMac = process.platform === 'darwin';
// A compiler may build for another architecture than that of the Node.js which runs this, under Rosetta for one.
const archFlags = isMac ? ['-arch', process.arch === 'x64' ? 'x86_64' : 'arm64'] : [];
const compileFlags = [
  ...archFlags,
  '-std=c++17',
  '-O3',
  '-fPIC',
  '-fno-exceptions',
  '-fno-rtti',
  // Two roundings where the source says two; where it wants one, it says so.
  '-ffp-contract=off',
  '-fvisibility=hidden',
  '-Wall',
  '-Wextra',
  // GCC 12 finds its own headers of AVX-512 wanting: _mm512_undefined_ps is meant to be undefined.
  '-Wno-maybe-uninitialized',
  '-Wno-uninitialized',
  `-I${kernels}`,
  `-I${nodeApiHeaders}`,
];
// Without -ffast-math, which would link code that flushes the host's denormal numbers to zero. Node.js resolves the names
// of Node-API when it loads the addon.
const linkFlags = [
  ...archFlags,
  ...(isMac ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-Wl,--as-needed']),
];

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
  const compiler = await findCompiler();
  if ('reason' in compiler) return skip(compiler.reason);

  const outcomes = await Promise.all(
    Object.entries(sets).map(([name, flags]) => compileSet(compiler, name, flags)),
  );
  const built = outcomes.filter(({ state }) => state === 'built');
  const macros = built.map(({ name }) => `-DHEADPOOL_HAS_${name.toUpperCase()}`);
  const binding = await compile(compiler, 'binding', join(here, 'binding.cc'), macros);
  const failed = [...outcomes, binding].filter(({ state }) => state === 'failed');
  for (const { output } of [...outcomes, binding]) process.stderr.write(output);
  if (failed.length > 0) {
    console.error(`headpool: the native kernel could not be compiled by ${compiler.command.join(' ')}`);
    return 1;
  }
  return link(compiler, [...built.map(({ object }) => object), binding.object]);
}

function skip(reason) {
  console.error(`headpool: no native kernel, the WebAssembly kernel serves: ${reason}`);
  return 0;
}

/** The compiler asked for by $CXX, which may bring flags (CXX='g++ -Werror'), else the first of the usual ones that works. */
async function findCompiler() {
  const asked = process.env.CXX?.split(' ').filter(Boolean) ?? [];
  const candidates = asked.length > 0 ? [asked] : [['c++'], ['g++'], ['clang++']];
  const reasons = [];
  await writeFile(
    join(objects, 'trivial.cc'),
    '#include <stdio.h>\nextern "C" int answer() { return 42; }\n',
  );
  for (const command of candidates) {
    const compiler = { command };
    const { code, output } = await compileTrivial(compiler);
    if (code === 0) return compiler;
    reasons.push(`${command.join(' ')}: ${code === 'ENOENT' ? 'not found' : firstLine(output)}`);
  }
  return { reason: `no C++ compiler works (${reasons.join('; ')})` };
}

/** Whether a compiler works, given flags: builds a library of a program that has no way to be wrong. */
async function compileTrivial(compiler, flags = []) {
  const source = join(objects, 'trivial.cc');
  const object = join(objects, `trivial${flags.join('')}.so`);
  return execute(compiler, [...compileFlags, ...flags, source, ...linkFlags, '-o', object]);
}

async function compileSet(compiler, name, flags) {
  const set = await compile(compiler, name, join(here, 'operations.cc'), [
    ...flags,
    `-DHEADPOOL_SET=${name}`,
  ]);
  // A compiler too old for a set leaves it out, which `headpool info` tells; any other failure is one of the source.
  if (set.state === 'failed' && flags.length > 0 && (await compileTrivial(compiler, flags)).code !== 0)
    return { ...set, state: 'left out', output: '' };
  return set;
}

async function compile(compiler, name, source, flags) {
  const object = join(objects, `${name}.o`);
  const { code, output } = await execute(compiler, [...compileFlags, ...flags, '-c', source, '-o', object]);
  return { name, object, output, state: code === 0 ? 'built' : 'failed' };
}

/** A process that has the old addon open keeps it: the new one takes its name when it is complete. */
async function link(compiler, inputs) {
  await mkdir(target, { recursive: true });
  const addon = join(target, `${process.platform}-${process.arch}.node`);
  const temporary = `${addon}.${process.pid}`;
  const { code, output } = await execute(compiler, [...inputs, ...linkFlags, '-o', temporary]);
  process.stderr.write(output);
  if (code !== 0) {
    console.error('headpool: the native kernel could not be linked');
    return 1;
  }
  await rename(temporary, addon);
  return 0;
}

/** The exit code, or the system's where the command could not be started; and what it printed. */
function execute({ command: [file, ...first] }, args) {
  return new Promise((resolve) => {
    execFile(file, [...first, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? 1), output: stdout + stderr });
    });
  });
}

function firstLine(text) {
  return text.trim().split('\n')[0];
}
