// Compiles the kernels as the build does and reads the machine code: the inner loops of the register tiles must keep all
// their sums in registers. A compiler that spills them costs a third of the speed and fails no other test. Of this machine,
// or of the platforms named whose addons the package brings: `npm run check:registers -- linux-arm64`.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findTiles } from './disassembly.mjs';
import { machine, prebuilt } from './targets.mjs';
import { architectures, compileSet, execute, findCompiler, nameOf } from './toolchain.mjs';
import { withFolder } from './with-folder.mjs';

const source = fileURLToPath(new URL('../workers/kernels/native/operations.cc', import.meta.url));
const named = process.argv.slice(2);
const targets = named.length === 0 ? [machine] : prebuilt.filter((target) => named.includes(nameOf(target)));
if (targets.length < named.length) throw new Error(`Expected of ${prebuilt.map(nameOf).join(', ')}`);

process.exitCode = await withFolder('headpool-registers-', checkAll);

/** The exit code. */
async function checkAll(folder) {
  const faults = [];
  for (const target of targets) {
    const { objdump } = target;
    if ((await execute({ command: [objdump] }, ['--version'])).code !== 0)
      return skip(`there is no ${objdump}`);
    const compiler = await findCompiler(target, join(folder, nameOf(target)));
    if ('reason' in compiler) return skip(compiler.reason);
    for (const name of Object.keys(architectures[target.arch]))
      faults.push(...(await checkSet(compiler, name)));
  }
  for (const fault of faults) console.log(fault);
  console.log(faults.length === 0 ? 'PASS: no full tile touches the stack' : `${faults.length} faults`);
  return faults.length === 0 ? 0 : 1;
}

function skip(reason) {
  console.log(`The registers are not checked: ${reason}`);
  return 0;
}

/** Prints the table of a set; what is wrong with its full tiles. */
async function checkSet(compiler, set) {
  const { state, object, output } = await compileSet(compiler, set, source, []);
  const name = `${nameOf(compiler.target)} ${set}`;
  if (state === 'left out') {
    console.log(`${name}: the compiler does not know it\n`);
    return [];
  }
  if (state === 'failed') return [`${name}: not compiled\n${output}`];
  const disassembled = await execute({ command: [compiler.target.objdump] }, [
    '-d',
    '-C',
    '--no-show-raw-insn',
    object,
  ]);
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
