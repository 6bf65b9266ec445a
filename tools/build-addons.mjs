// Compiles the addons of every platform that the package brings some for, on one Debian machine, and tells how large they
// are. What a build for this machine alone made is replaced. Says where to get a compiler that is missing, and builds nothing
// then; with --available it builds the others.
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildKernels, buildPageCache, hasPageCache } from './addons.mjs';
import { prebuilt } from './targets.mjs';
import { findCompiler, nameOf } from './toolchain.mjs';
import { withFolder } from './with-folder.mjs';

const areOthersEnough = process.argv.includes('--available');

process.exitCode = await withFolder('headpool-', async (folder) => {
  const compilers = await Promise.all(
    prebuilt.map((target) => findCompiler(target, join(folder, nameOf(target)))),
  );
  for (const [index, target] of prebuilt.entries()) tellMissing(target, compilers[index]);
  const found = compilers.filter((compiler) => !('reason' in compiler));
  return found.length === prebuilt.length || areOthersEnough ? buildAll(found) : 1;
});

/** The exit code. */
async function buildAll(compilers) {
  let total = 0;
  for (const compiler of compilers) {
    const builds = [buildKernels, ...(hasPageCache(compiler.target) ? [buildPageCache] : [])];
    for (const build of builds) {
      const addon = await build(compiler);
      if (addon === undefined) return 1;
      total += await tellSize(addon);
    }
  }
  console.log(`${formatSize(total)} in all, gzipped`);
  return 0;
}

function tellMissing({ debianPackages, ...target }, { reason }) {
  if (reason !== undefined)
    console.error(`headpool: ${nameOf(target)}: ${reason}: apt install ${debianPackages.join(' ')}`);
}

/** The bytes of an addon, gzipped. */
async function tellSize(addon) {
  const bytes = await readFile(addon);
  const { length } = gzipSync(bytes, { level: 9 });
  const path = relative(process.cwd(), addon);
  console.log(`${path}: ${formatSize(bytes.length)}, ${formatSize(length)} gzipped`);
  return length;
}

function formatSize(bytes) {
  return `${Math.round(bytes / 1000)} kB`;
}
