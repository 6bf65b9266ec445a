// The bundles that users start: what they still load from packages, and whose licences they bring.
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import test from 'ava';
import { packageRoot } from './helpers/package-root.js';

const importPattern = /(?<![.\w])(?:from|import|require)\s*\(?\s*(["'])([@a-z][\w./:-]*)\1/g;

function readBundle(folder: string, isBundle: (name: string) => boolean): string {
  const url = new URL(folder, packageRoot());
  const names = readdirSync(url).filter((name) => name.endsWith('.js') && isBundle(name));
  return names.map((name) => readFileSync(new URL(name, url), 'utf8')).join('\n');
}

function importedPackages(source: string): string[] {
  const names = [...source.matchAll(importPattern)].map(([, , name]) => name!);
  return [...new Set(names.filter((name) => !isBuiltin(name)))].sort();
}

const parquet = ['hyparquet', 'hyparquet-compressors', 'hyparquet-writer', 'hyparquet/src/column.js'];

const loads = test.macro((t, folder: string, packages: readonly string[]) => {
  t.deepEqual(importedPackages(readBundle(folder, () => true)), packages);
});

test('the command loads few packages by themselves', loads, 'dist/command/all/', [
  'benchmark',
  'bullmq',
  ...parquet,
  'ioredis',
  'pg',
  'piscina',
]);
test('a run loads fewer', loads, 'dist/command/run/', [...parquet, 'piscina']);

test('the library loads one package', loads, 'dist/library/', ['piscina']);

test('the bundle of runs knows no other command', (t) => {
  const names = readdirSync(new URL('dist/command/run/', packageRoot()));
  t.true(names.some((name) => name.startsWith('run-')));
  t.deepEqual(
    names.filter((name) =>
      /^(bench|scale|verify|info|explain|layers|completion|make|submit|work|status|cancel)/.test(name),
    ),
    [],
  );
});

test('the worker loads no package', (t) => {
  const worker = readBundle('dist/workers/', (name) => name === 'worker.js');
  t.regex(worker, /receiveMessageOnPort/);
  t.deepEqual(importedPackages(worker), []);
});

test('the licences of what is bundled come with it', (t) => {
  const notices = readFileSync(new URL('dist/command/all/NOTICES.txt', packageRoot()), 'utf8');
  for (const name of ['yargs', 'zod', 'yaml', 'tinyglobby', 'yauzl', 'd3-scale'])
    t.regex(notices, new RegExp(`^${name} \\d`, 'm'), name);
  t.true(notices.split('Permission').length > 10, 'texts, not only names');
});
