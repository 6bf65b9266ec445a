// The loop for working: compiles, builds and tests what a change touches, in less than a minute on two cores. It is no
// `npm test`: where a change touches much, it runs what is nearest to it and what takes least, and says so.
//
//   npm run test:quick                   what differs from main, where this branch left it, and what isn't committed
//   npm run test:quick -- --since REF    what differs from REF
//   npm run test:quick -- --all-fast     the fast tests, as where nothing or everything has changed
//   npm run test:quick -- --list         says which tests, and runs none
//
// Compiles into dist/ as `npm run build` does, but only what changed. Kernels are built where their sources are newer,
// bundles always. What needs what is read from imports, by test/helpers/select-tests.ts.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const { values: asked } = parseArgs({
  options: {
    since: { type: 'string' },
    'all-fast': { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

/** CPU time for tests, which two cores share; compiling takes the rest of the minute. */
const testSeconds = 60;

const folders = ['src', 'workers', 'test', 'bench'];

/** What may change everything. */
const roots = ['package-lock.json', 'tsconfig.json'];

const addon = `${process.platform}-${process.arch}.node`;
const kernels = [
  {
    script: 'tools/build-wasm.mjs',
    target: 'dist/workers/kernels/wasm/relaxed.wasm',
    sources: ['workers/kernels/source', 'workers/kernels/wasm'],
  },
  {
    script: 'tools/build-native.mjs',
    target: `dist/workers/kernels/native/${addon}`,
    sources: ['workers/kernels/source', 'workers/kernels/native'],
  },
  {
    script: 'tools/build-page-cache.mjs',
    target: `dist/src/files/page-cache/${addon}`,
    sources: ['src/files/page-cache'],
  },
];

const changed = asked['all-fast'] ? [] : findChanged();
compile();
const { findTouched, orderOf, readUses, spread, takeWithin } =
  await import('../dist/test/helpers/select-tests.js');
const { readSources } = await import('../dist/test/helpers/package-root.js');
const { title, tests, touchedCount } = select();
if (asked.list) {
  console.log(tests.join('\n'));
} else {
  for (const { script, target, sources } of kernels) if (isOlder(target, [script, ...sources])) run(script);
  run('tools/bundle.mjs');
  const compiled = tests.map((path) => `dist/${path.replace(/ts$/, 'js')}`);
  const { status } = spawnSync(process.execPath, ['node_modules/ava/entrypoints/cli.mjs', ...compiled], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}
console.error(
  `test:quick: ${tests.length} of the ${touchedCount} test files ${title}` +
    (tests.length < touchedCount ? '; `npm test` runs all' : ''),
);

function findChanged() {
  const git = (...args) => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = (text) => text.split('\n').filter(Boolean);
  const since = asked.since ?? findBase(git);
  return [
    ...lines(git('diff', '--name-only', since)),
    ...lines(git('ls-files', '--others', '--exclude-standard')),
  ];
}

/** Where this branch left main; the last commit, if there is no main. */
function findBase(git) {
  for (const main of ['main', 'origin/main']) {
    try {
      return git('merge-base', 'HEAD', main).trim();
    } catch {
      // A clone of another branch alone has none.
    }
  }
  return 'HEAD';
}

/** Emits what changed, and leaves no module whose source is gone. */
function compile() {
  for (const folder of folders) {
    for (const path of filesBelow(join('dist', folder))) {
      if (!path.endsWith('.js') || existsSync(path.slice('dist/'.length).replace(/js$/, 'ts'))) continue;
      for (const end of ['.js', '.js.map', '.d.ts']) rmSync(path.replace(/\.js$/, end), { force: true });
    }
  }
  run('node_modules/typescript/bin/tsc', '--incremental', '--tsBuildInfoFile', 'dist/.tsbuildinfo');
}

/** The tests to run, of how many, and what these are. */
function select() {
  const uses = readUses(folders.flatMap(readSources));
  const all = uses.paths.filter((path) => path.endsWith('.test.ts'));
  const touched = changed.some((path) => roots.includes(path)) ? [] : findTouched(uses, changed);
  if (touched.length === 0) {
    const tests = takeWithin(spread(all), testSeconds);
    return { title: 'that there are', tests, touchedCount: all.length };
  }
  const tests = takeWithin(orderOf(touched), testSeconds);
  return { title: 'that the change touches', tests, touchedCount: touched.length };
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

function isOlder(target, sources) {
  if (!existsSync(target)) return true;
  const paths = sources.flatMap((path) => (statSync(path).isDirectory() ? filesBelow(path) : [path]));
  return paths.some(
    (path) => /\.(h|cc|mjs)$/.test(path) && statSync(path).mtimeMs > statSync(target).mtimeMs,
  );
}

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
