// The addons of Linux under musl, the C library of Alpine: loaded by a program that stands for Node.js.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { symbols } from 'node-api-headers';
import { execute } from '../../tools/toolchain.mjs';
import { addonOf } from './platforms.mjs';

const compiler = { command: ['musl-gcc'] };

export async function findMissingMusl() {
  return (await execute(compiler, ['--version'])).code === 'ENOENT' ? 'apt install musl-tools' : undefined;
}

/** Loads both addons; says so. */
export async function loadUnderMusl(folder) {
  const [program, stubs] = [join(folder, 'load'), join(folder, 'stubs.c')];
  const names = new Set(Object.values(symbols).flatMap((one) => Object.values(one).flat()));
  names.delete('napi_define_properties');
  await writeFile(stubs, [...names].map((name) => `int ${name}(void) { return 0; }\n`).join(''));
  const source = fileURLToPath(new URL('load.c', import.meta.url));
  await succeed(compiler, ['-rdynamic', '-Wall', '-Werror', source, stubs, '-o', program]);
  const folders = ['workers/kernels/native', 'src/files/page-cache'];
  await succeed(
    { command: [program] },
    folders.map((place) => addonOf('linux-x64', place)),
  );
  return 'both addons loaded';
}

async function succeed(command, args) {
  const { code, output } = await execute(command, args);
  if (code !== 0) throw new Error(output.trim());
}
