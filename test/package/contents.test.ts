// What is in the package: what its entry points reach and what README links to, and nothing else.
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, posix, sep } from 'node:path';
import test from 'ava';
import { build } from 'esbuild';
import { installPacked, root } from '../helpers/packed.js';

const { folder, program } = await installPacked();
const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile())
  .map((entry) =>
    join(entry.parentPath, entry.name)
      .slice(folder.length + 1)
      .replaceAll(sep, '/'),
  )
  .sort();

const read = (name: string) => readFile(join(folder, name), 'utf8');

/** The modules that programs, users and threads load first. */
const entryPoints = [
  'dist/command/headpool.js',
  'dist/library/index.cjs',
  'dist/library/index.js',
  'dist/workers/entry.cjs',
  'dist/workers/worker.js',
];

/** Packages that a module imports, whether they must be there or may be. */
const packages = [
  'benchmark',
  'bullmq',
  'gpu.js',
  'hyparquet',
  'hyparquet-compressors',
  'hyparquet-writer',
  'ioredis',
  'pg',
  'piscina',
  'webgpu',
];

test('every module of dist/ in it is reached from an entry point, and what modules import is in it', async (t) => {
  const { metafile } = await build({
    entryPoints,
    absWorkingDir: folder,
    outdir: join(program, 'reached'),
    entryNames: '[dir]/[name]-[hash]',
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    // The bundle of runs knows no other command.
    external: ['./commands/*', ...packages.flatMap((name) => [name, `${name}/*`])],
    logLevel: 'silent',
  });
  const modules = names.filter((name) => name.startsWith('dist/') && /\.[cm]?js$/.test(name));
  t.deepEqual(Object.keys(metafile.inputs).sort(), modules);
});

test('besides modules, dist/ holds kernels, types and the licences of what is bundled', (t) => {
  const others = names.filter((name) => name.startsWith('dist/') && !/\.[cm]?js$/.test(name));
  const addon = `${process.platform}-${process.arch}.node`;
  const isExpected = (name: string) =>
    [
      /^dist\/command\/(all|run)\/NOTICES\.txt$/,
      /^dist\/library\/index\.d\.c?ts$/,
      /^dist\/workers\/package\.json$/,
      /^dist\/workers\/kernels\/wasm\/(relaxed|simd)\.wasm$/,
      /^dist\/(workers\/kernels\/native|src\/files\/page-cache)\/\w+-\w+\.node$/,
    ].some((pattern) => pattern.test(name));
  t.deepEqual(
    others.filter((name) => !isExpected(name)),
    [],
  );
  t.deepEqual(
    others.filter((name) => name.endsWith('.wasm')).map((name) => posix.basename(name)),
    ['relaxed.wasm', 'simd.wasm'],
  );
  const addons = others.filter((name) => posix.basename(name) === addon);
  t.true(addons.length === 2 || !addons.some((name) => name.includes('native')), addons.join('\n'));
});

test('no source map is in it, and nothing speaks of one', async (t) => {
  t.deepEqual(
    names.filter((name) => name.endsWith('.map')),
    [],
  );
  for (const name of names.filter((name) => /\.(js|cjs|ts|cts)$/.test(name)))
    t.notRegex(await read(name), /^\/\/# sourceMappingURL=/m, name);
});

test('what README and the documents link to is in it', async (t) => {
  const documents = names.filter((name) => name.endsWith('.md') && name !== 'CHANGELOG.md');
  t.true(documents.includes('README.md'));
  for (const name of documents) {
    for (const [, link] of (await read(name)).matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)) {
      const target = posix.normalize(posix.join(posix.dirname(name), link!));
      t.true(
        names.some((one) => one === target || one.startsWith(`${target.replace(/\/$/, '')}/`)),
        `${name}: ${link!}`,
      );
    }
  }
});

interface Locked {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly peer?: boolean;
  readonly link?: boolean;
}

test('what an install brings is small', async (t) => {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  const folders = Object.entries(lock.packages)
    .filter(
      ([path, { dev, devOptional, peer, link }]) =>
        path.startsWith('node_modules/') && !(dev || devOptional || peer || link),
    )
    .map(([path]) => join(root, path));
  const sizes = await Promise.all([folder, ...folders].map(sizeOf));
  const found = sizes.filter((size) => size > 0);
  t.log(`${found.length} packages, ${(sum(found) / 1e6).toFixed(1)} MB`);
  t.true(found.length > 3 && found.length <= 24, `${found.length} packages`);
  t.true(sum(found) <= 14e6, `${sum(found)} bytes`);
});

/** Bytes of the files below a folder, but for packages inside; 0 where it isn't there. */
async function sizeOf(path: string): Promise<number> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !dirname(file).slice(path.length).includes('node_modules'));
  return sum(await Promise.all(files.map(async (file) => (await stat(file)).size)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
