// The compiler of the machine and what the C++ source is compiled with: shared by the builds of the addons and by the
// checks of the kernels. Who calls it decides what a missing compiler means.
import { execFile } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The instruction sets of each architecture and the flags that turn them on; the baseline must compile. */
export const architectures = {
  x64: {
    avx512: ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mavx2', '-mfma', '-mf16c'],
    avx2: ['-mavx2', '-mfma', '-mf16c'],
    baseline: [],
  },
  arm64: { neon: [] },
};
export const platforms = ['linux', 'darwin', 'freebsd'];

/** What says which set operations.cc is compiled for, beside the flags of the set. */
export const nameSet = (name) => `-DHEADPOOL_SET=${name}`;
/** What tells instruction-sets.h that a set was compiled. */
export const haveSet = (name) => `-DHEADPOOL_HAS_${name.toUpperCase()}`;

const kernels = fileURLToPath(new URL('../workers/kernels/', import.meta.url));

const isMac = process.platform === 'darwin';
// A compiler may build for another architecture than that of the Node.js which runs this, under Rosetta for one.
export const archFlags = isMac ? ['-arch', process.arch === 'x64' ? 'x86_64' : 'arm64'] : [];
export const compileFlags = [
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
];
// Without -ffast-math, which would link code that flushes the host's denormal numbers to zero. Node.js resolves the names
// of Node-API when it loads the addon.
export const linkFlags = [
  ...archFlags,
  ...(isMac ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-Wl,--as-needed']),
];

/**
 * The compiler asked for by $CXX, which may bring flags (CXX='g++ -Werror'), else the first of the usual ones that
 * works; or the reason why there is none. Keeps its files in `folder`.
 */
export async function findCompiler(folder) {
  const asked = process.env.CXX?.split(' ').filter(Boolean) ?? [];
  const candidates = asked.length > 0 ? [asked] : [['c++'], ['g++'], ['clang++']];
  const reasons = [];
  await writeFile(join(folder, 'trivial.cc'), '#include <stdio.h>\nextern "C" int answer() { return 42; }\n');
  for (const command of candidates) {
    const compiler = { command, folder };
    const { code, output } = await compileTrivial(compiler);
    if (code === 0) return compiler;
    reasons.push(`${command.join(' ')}: ${code === 'ENOENT' ? 'not found' : firstLine(output)}`);
  }
  return { reason: `no C++ compiler works (${reasons.join('; ')})` };
}

/** Whether a compiler works, given flags: builds a library of a program that has no way to be wrong. */
export async function compileTrivial(compiler, flags = []) {
  const source = join(compiler.folder, 'trivial.cc');
  const object = join(compiler.folder, `trivial${flags.join('')}.so`);
  return execute(compiler, [...compileFlags, ...flags, source, ...linkFlags, '-o', object]);
}

/** Compiles one file to an object of that name. The state is 'built' or 'failed'. */
export async function compile(compiler, name, source, flags) {
  const object = join(compiler.folder, `${name}.o`);
  const { code, output } = await execute(compiler, [...compileFlags, ...flags, '-c', source, '-o', object]);
  return { name, object, output, state: code === 0 ? 'built' : 'failed' };
}

/** Compiles a file for one instruction set. The state is 'built', 'failed' or 'left out'. */
export async function compileSet(compiler, name, source, flags) {
  const sets = architectures[process.arch];
  const set = await compile(compiler, name, source, [...sets[name], nameSet(name), ...flags]);
  // A compiler too old for a set leaves it out, which `headpool info` tells; any other failure is one of the source.
  if (
    set.state === 'failed' &&
    sets[name].length > 0 &&
    (await compileTrivial(compiler, sets[name])).code !== 0
  )
    return { ...set, state: 'left out', output: '' };
  return set;
}

/**
 * Links objects to the addon of this platform in `folder`; the exit code. A process that has the old addon open keeps
 * it: the new one takes its name when it is complete.
 */
export async function linkAddon(compiler, objects, folder) {
  await mkdir(folder, { recursive: true });
  const addon = join(folder, `${process.platform}-${process.arch}.node`);
  const temporary = `${addon}.${process.pid}`;
  const { code, output } = await execute(compiler, [...objects, ...linkFlags, '-o', temporary]);
  process.stderr.write(output);
  if (code !== 0) {
    console.error(`headpool: ${addon} could not be linked`);
    return 1;
  }
  await rename(temporary, addon);
  return 0;
}

/** The exit code, or the system's where the command could not be started; and what it printed. */
export function execute({ command: [file, ...first] }, args) {
  return new Promise((resolve) => {
    execFile(file, [...first, ...args], { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? 1), output: stdout + stderr });
    });
  });
}

export function firstLine(text) {
  return text.trim().split('\n')[0];
}
