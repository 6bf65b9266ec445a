// Every example is run as its README says, in a copy of its folder; what needs Python is run where Python has it.
import { execFileSync, spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { makeReadersFolder, pages, readBlocks } from '../helpers/documents.js';
import { packageRoot } from '../helpers/package-root.js';
import { linesOf, runLine } from '../helpers/shell-lines.js';
import { findDifference } from '../helpers/shown-output.js';
import { testOnUnix } from '../helpers/skips.js';

const root = fileURLToPath(packageRoot());

async function copyExample(t: ExecutionContext, name: string): Promise<string> {
  const folder = await makeReadersFolder(t, `examples/${name}`);
  await cp(join(root, 'examples', name), folder, {
    recursive: true,
    filter: (path) => !/(node_modules|dist)$/.test(path),
  });
  return folder;
}

/** Runs the lines of an example's README, and compares what it shows. */
async function follow(t: ExecutionContext, name: string, folder: string, notRun?: RegExp): Promise<void> {
  const page = pages.find(({ path }) => path === `examples/${name}/README.md`)!;
  for (const block of readBlocks(page).filter(({ language }) => language === 'sh')) {
    let output = '';
    for (const line of linesOf(block))
      if (notRun?.test(line.text) !== true) output += await runLine(folder, line);
    if (block.shown !== undefined) t.is(findDifference(block.shown, output), undefined);
  }
}

/** Modules that Python must have, and the first that it hasn't. */
function missingModule(modules: readonly string[]): string | undefined {
  if (spawnSync('python3', ['--version']).status !== 0) return 'python3';
  return modules.find((name) => spawnSync('python3', ['-c', `import ${name}`]).status !== 0);
}

/** At least: the scripts are Python. */
async function compileScripts(folder: string): Promise<void> {
  const scripts = (await readdir(folder)).filter((name) => name.endsWith('.py'));
  execFileSync('python3', ['-m', 'py_compile', ...scripts], { cwd: folder });
}

testOnUnix('the programs of examples/library print what its README shows', async (t) => {
  await follow(t, 'library', await copyExample(t, 'library'));
});

testOnUnix(
  'the project of examples/typescript compiles, strictly, and prints what its README shows',
  async (t) => {
    const folder = await copyExample(t, 'typescript');
    for (const name of ['typescript', '@types']) await link(name, folder);
    await link('.bin/tsc', folder);
    await follow(t, 'typescript', folder, /^npm install$/);
  },
);

testOnUnix(
  'the adapters of examples/observing compile, strictly, and their programs print what its README shows',
  async (t) => {
    const folder = await copyExample(t, 'observing');
    for (const name of ['typescript', '@types', 'prom-client', '@opentelemetry']) await link(name, folder);
    const files = (await readdir(folder)).filter((name) => name.endsWith('.mjs'));
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: checkJs, files }));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    t.is(spawnSync(process.execPath, [tsc], { cwd: folder, encoding: 'utf8' }).stdout, '');
    await follow(t, 'observing', folder, /^npm install$/);
  },
);

/** Of a project of JavaScript whose types stand in comments. */
const checkJs = {
  allowJs: true,
  checkJs: true,
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable'],
  module: 'nodenext',
  types: ['node'],
};

async function link(name: string, folder: string): Promise<void> {
  await mkdir(join(folder, 'node_modules'), { recursive: true });
  await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name));
}

for (const [name, modules] of [
  ['batch', ['numpy']],
  ['python', ['numpy', 'torch', 'safetensors']],
] as const) {
  testOnUnix(`examples/${name} goes to headpool and back`, async (t) => {
    const folder = await copyExample(t, name);
    const missing = missingModule(modules);
    if (missing !== undefined) t.log(`not run here: no ${missing}`);
    if (missing === 'python3') t.pass();
    else if (missing !== undefined) await t.notThrowsAsync(compileScripts(folder));
    else await t.notThrowsAsync(follow(t, name, folder));
  });
}
