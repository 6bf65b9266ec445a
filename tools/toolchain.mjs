// A compiler for a target (targets.mjs) and what the C++ source is compiled with: shared by the builds of the addons and
// by the checks of the kernels. Who calls it decides what a missing compiler means.
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

/** What says which set operations.cc is compiled for, beside the flags of the set. */
export const nameSet = (name) => `-DHEADPOOL_SET=${name}`;
/** What tells instruction-sets.h that a set was compiled. */
export const haveSet = (name) => `-DHEADPOOL_HAS_${name.toUpperCase()}`;

const kernels = fileURLToPath(new URL('../workers/kernels/', import.meta.url));

// Without -ffast-math, which would link code that flushes the host's denormal numbers to zero.
const compileFlags = [
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
  // GCC 12 finds its own headers of AVX-512 wanting: _mm512_undefined_ps is meant to be undefined. Clang knows no such
  // warning, and needs to be told that this is fine.
  '-Wno-unknown-warning-option',
  '-Wno-maybe-uninitialized',
  '-Wno-uninitialized',
  `-I${kernels}`,
];

/**
 * The first compiler of a target's that works, or the reason why there is none. Keeps its files in `folder`, which is
 * made where it isn't there.
 */
export async function findCompiler(target, folder) {
  if (architectures[target.arch] === undefined || target.commands.length === 0)
    return { reason: `there is no native kernel for ${nameOf(target)}` };
  await mkdir(folder, { recursive: true });
  const source = '#include <stdint.h>\nextern "C" int answer() { return 42; }\n';
  await writeFile(join(folder, 'trivial.cc'), source);
  const reasons = [];
  for (const command of target.commands) {
    const compiler = { command, target, folder };
    const { code, output } = await compileTrivial(compiler);
    if (code === 0) return compiler;
    reasons.push(`${command.join(' ')}: ${code === 'ENOENT' ? 'not found' : firstLine(output)}`);
  }
  return { reason: `no C++ compiler works (${reasons.join('; ')})` };
}

/** Whether a compiler works, given flags: builds a library of a program that has no way to be wrong. */
async function compileTrivial(compiler, flags = []) {
  const { compileFlags: own, linkFlags } = compiler.target;
  const source = join(compiler.folder, 'trivial.cc');
  const object = join(compiler.folder, `trivial${flags.join('')}.so`);
  return execute(compiler, [...own, ...compileFlags, ...flags, source, ...linkFlags, '-o', object]);
}

/** Compiles one file to an object of that name. The state is 'built' or 'failed'. */
export async function compile(compiler, name, source, flags) {
  const object = join(compiler.folder, `${name}.o`);
  const args = [...compiler.target.compileFlags, ...compileFlags, ...flags, '-c', source, '-o', object];
  const { code, output } = await execute(compiler, args);
  return { name, object, output, state: code === 0 ? 'built' : 'failed' };
}

/** Compiles a file for one instruction set. The state is 'built', 'failed' or 'left out'. */
export async function compileSet(compiler, name, source, flags) {
  const setFlags = architectures[compiler.target.arch][name];
  const set = await compile(compiler, name, source, [...setFlags, nameSet(name), ...flags]);
  // A compiler too old for a set leaves it out, which `headpool info` tells; any other failure is one of the source.
  if (set.state === 'failed' && setFlags.length > 0 && (await compileTrivial(compiler, setFlags)).code !== 0)
    return { ...set, state: 'left out', output: '' };
  return set;
}

/**
 * Links objects to the addon of the target in `folder`; its path, or undefined where that failed. A process that has the
 * old addon open keeps it: the new one takes its name when it is complete.
 */
export async function linkAddon(compiler, objects, folder) {
  const { target } = compiler;
  await mkdir(folder, { recursive: true });
  const addon = join(folder, `${nameOf(target)}.node`);
  const temporary = `${addon}.${process.pid}`;
  const { inputs, output: preparing } = (await target.prepare?.(compiler)) ?? { inputs: [], output: '' };
  const { code, output } = await execute(compiler, [
    ...objects,
    ...inputs,
    ...target.linkFlags,
    '-o',
    temporary,
  ]);
  process.stderr.write(preparing + output);
  if (code !== 0) {
    console.error(`headpool: ${addon} could not be linked`);
    return undefined;
  }
  await rename(temporary, addon);
  return addon;
}

/** As Node.js calls it, and the addons. */
export function nameOf({ platform, arch }) {
  return `${platform}-${arch}`;
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
