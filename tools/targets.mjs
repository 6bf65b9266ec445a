// What addons are compiled for: this machine, and the platforms that one Debian machine makes addons for; and what
// reads its machine code.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { def_paths as nodeApi } from 'node-api-headers';
import { compile, execute } from './toolchain.mjs';

const cross = fileURLToPath(new URL('cross/', import.meta.url));

const isMac = process.platform === 'darwin';
// A compiler may build for another architecture than that of the Node.js which runs this, under Rosetta for one.
const archFlags = isMac ? ['-arch', process.arch === 'x64' ? 'x86_64' : 'arm64'] : [];
// $CXX may bring flags (CXX='g++ -Werror').
const asked = process.env.CXX?.split(' ').filter(Boolean) ?? [];
const usual = asked.length > 0 ? [asked] : [['c++'], ['g++'], ['clang++']];

/** This machine, whatever its C library. Node.js resolves the names of Node-API when it loads an addon. */
export const machine = {
  platform: process.platform,
  arch: process.arch,
  commands: ['linux', 'darwin', 'freebsd'].includes(process.platform) ? usual : [],
  objdump: 'objdump',
  compileFlags: archFlags,
  linkFlags: [
    ...archFlags,
    ...(isMac ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-Wl,--as-needed']),
  ],
};

/** Of the package llvm-14. */
const objdumpOfLlvm = 'llvm-objdump-14';
// Needs no library, so any C library will do: the few functions that are taken of it are those of the process.
const withoutLibraries = ['-shared', '-nostdlib', '-s'];

/** The oldest macOS is that of Node.js 20. */
const darwin = {
  platform: 'darwin',
  objdump: objdumpOfLlvm,
  debianPackages: ['clang-14', 'lld-14'],
  // There are no headers of macOS here, and none are needed.
  compileFlags: ['-ffreestanding', '-nostdlibinc'],
  linkFlags: ['-nostdlib', '-fuse-ld=lld', '-bundle', '-undefined', 'dynamic_lookup', '-Wl,-dead_strip'],
  prepare: () => ({ inputs: [join(cross, 'libSystem.tbd')], output: '' }),
};
const clang = (triple) => [['clang++-14', `--target=${triple}`]];

/** Those whose addons are in the package. `prepare` makes what is linked besides. */
export const prebuilt = [
  {
    platform: 'linux',
    arch: 'x64',
    objdump: 'objdump',
    compileFlags: [],
    commands: [['x86_64-linux-gnu-g++']],
    debianPackages: ['g++'],
    linkFlags: [...withoutLibraries, '-lgcc'],
  },
  {
    platform: 'linux',
    arch: 'arm64',
    // GCC 12 loads an operand for each multiply-add, and keeps sums of full tiles on the stack.
    objdump: objdumpOfLlvm,
    commands: clang('aarch64-linux-gnu'),
    compileFlags: ['-isystem', '/usr/aarch64-linux-gnu/include'],
    debianPackages: ['clang-14', 'lld-14', 'libc6-dev-arm64-cross'],
    linkFlags: [...withoutLibraries, '-fuse-ld=lld'],
  },
  { ...darwin, arch: 'x64', commands: clang('x86_64-apple-macos10.15') },
  { ...darwin, arch: 'arm64', commands: clang('arm64-apple-macos11') },
  {
    platform: 'win32',
    arch: 'x64',
    objdump: 'x86_64-w64-mingw32-objdump',
    commands: [['x86_64-w64-mingw32-g++']],
    debianPackages: ['g++-mingw-w64-x86-64'],
    // GCC aligns the stack of Windows to 16 bytes and still stores 32 and 64 with instructions that want more.
    compileFlags: ['-Wa,-muse-unaligned-vector-move'],
    linkFlags: ['-shared', '-static', '-s'],
    prepare: prepareWindows,
  },
];

/** Node-API is looked up late, in whatever executable has loaded the addon. */
async function prepareWindows(compiler) {
  const library = join(compiler.folder, 'node.a');
  const dlltool = { command: ['x86_64-w64-mingw32-dlltool'] };
  const made = await execute(dlltool, ['-d', nodeApi.node_api_def, '--output-delaylib', library]);
  const late = await compile(compiler, 'host-executable', join(cross, 'host-executable.cc'), []);
  return { inputs: [late.object, library], output: made.output + late.output };
}
