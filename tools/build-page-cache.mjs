// Compiles the addon with the compiler of the machine, where the system takes advice about pages. Elsewhere there is
// nothing to build, nor to say: files are written all the same.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { include_dir as nodeApiHeaders } from 'node-api-headers';
import { compile, findCompiler, linkAddon } from './toolchain.mjs';

const here = fileURLToPath(new URL('../src/files/page-cache/', import.meta.url));
const target = fileURLToPath(new URL('../dist/src/files/page-cache/', import.meta.url));

const objects = await mkdtemp(join(tmpdir(), 'headpool-'));
try {
  if (process.platform === 'linux') process.exitCode = await build();
} finally {
  await rm(objects, { recursive: true });
}

/** The exit code. */
async function build() {
  const compiler = await findCompiler(objects);
  if ('reason' in compiler) return 0;
  const { state, object, output } = await compile(compiler, 'page-cache', join(here, 'page-cache.cc'), [
    `-I${nodeApiHeaders}`,
  ]);
  process.stderr.write(output);
  if (state === 'failed') return 1;
  return linkAddon(compiler, [object], target);
}
