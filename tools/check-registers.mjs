// Compiles the kernels as the build does and reads the machine code: the inner loops of the register tiles must keep all
// their sums in registers. A compiler that spills them costs a third of the speed and fails no other test.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findTiles } from './disassembly.mjs';
import { architectures, compileSet, execute, findCompiler, platforms } from './toolchain.mjs';

const source = fileURLToPath(new URL('../workers/kernels/native/operations.cc', import.meta.url));
const objdump = { command: ['objdump'] };

const folder = await mkdtemp(join(tmpdir(), 'headpool-registers-'));
try {
  process.exitCode = await check();
} finally {
  await rm(folder, { recursive: true });
}

/** The exit code. */
async function check() {
  const sets = architectures[process.arch];
  if (sets === undefined || !platforms.includes(process.platform))
    return skip(`no native kernel for ${process.platform}-${process.arch}`);
  if ((await execute(objdump, ['--version'])).code !== 0) return skip('no objdump (binutils)');
  const compiler = await findCompiler(folder);
  if ('reason' in compiler) return skip(compiler.reason);

  const faults = [];
  for (const name of Object.keys(sets)) faults.push(...(await checkSet(compiler, name)));
  for (const fault of faults) console.log(fault);
  console.log(faults.length === 0 ? 'PASS: no full tile touches the stack' : `${faults.length} faults`);
  return faults.length === 0 ? 0 : 1;
}

function skip(reason) {
  console.log(`The registers are not checked: ${reason}`);
  return 0;
}

/** Prints the table of a set; what is wrong with its full tiles. */
async function checkSet(compiler, name) {
  const { state, object, output } = await compileSet(compiler, name, source, []);
  if (state === 'left out') {
    console.log(`${name}: the compiler does not know it\n`);
    return [];
  }
  if (state === 'failed') return [`${name}: not compiled\n${output}`];
  const disassembled = await execute(objdump, ['-d', '-C', '--no-show-raw-insn', object]);
  if (disassembled.code !== 0) return [`${name}: objdump failed: ${disassembled.output}`];

  const tiles = markFull(findTiles(disassembled.output));
  printTable(name, tiles);
  if (tiles.length === 0) return [`${name}: no register tiles were found`];
  return tiles.filter(({ isFull }) => isFull).flatMap((tile) => faultsOf(name, tile));
}

/** The largest tile of each kind, and so of each number of vectors, does nearly all the work. Sorted by kind and size. */
function markFull(tiles) {
  const isFull = ({ kind, rows }) => tiles.every((other) => other.kind !== kind || other.rows <= rows);
  return tiles
    .map((tile) => ({ ...tile, isFull: isFull(tile) }))
    .sort((a, b) => a.kind.localeCompare(b.kind) || b.rows - a.rows);
}

function faultsOf(set, { kind, rows, loops }) {
  const title = `${set} ${titleOf({ kind, rows })}`;
  if (loops.length === 0) return [`${title}: no loop with multiply-adds was found`];
  return loops.flatMap(({ spills, gathers }) => [
    ...spills.map((text) => `${title}: touches the stack: ${text}`),
    ...gathers.map((text) => `${title}: gathers: ${text}`),
  ]);
}

function titleOf({ kind, rows }) {
  return `${kind}::run<${rows}>`;
}

/** One line a loop; a tile may have several. */
function printTable(name, tiles) {
  console.log(`${name.padEnd(26)} multiply-adds  loads  others  spills`);
  for (const tile of tiles) {
    for (const { multiplyAdds, loads, others, spills, gathers } of tile.loops) {
      const title = `${tile.isFull ? '*' : ' '} ${titleOf(tile)}`.padEnd(26);
      const numbers = [
        String(multiplyAdds).padStart(13),
        String(loads).padStart(5),
        String(others).padStart(6),
        String(spills.length).padStart(6),
      ];
      console.log(`${title} ${numbers.join('  ')}${gathers.length > 0 ? '  gathers' : ''}`);
    }
  }
  console.log('* full tiles, which must not spill\n');
}
