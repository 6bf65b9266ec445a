// Facts that pages tell and the program decides: held against one another.
import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { jsonSchemaOf, schemas, type CommandName } from '../../src/config/schemas.js';
import { optionTable } from '../../src/attention/options.js';
import { errorCodes, httpStatuses } from '../../src/core/errors.js';
import { pages, proseOf } from '../helpers/documents.js';
import { packageRoot } from '../helpers/package-root.js';

function textOf(path: string): string {
  return pages.find((page) => page.path === path)!.text;
}

/** The code spans of the first cell of every row of a table. */
function namesOf(text: string): string[] {
  const cells = [...text.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell]) => cell!);
  return cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name!));
}

test('README.md is short, and begins with what this is', (t) => {
  const lines = textOf('README.md').split('\n');
  t.true(lines.length <= 145, String(lines.length));
  t.is(lines[0], '# headpool');
});

test('README.md names the commands to build and try, and CI runs its test command', (t) => {
  const readme = textOf('README.md');
  t.regex(readme, /^npm ci && npm start\b/m);
  t.regex(readme, /^npm ci && npm test\b/m);
  t.true(readFileSync(new URL('.ci/run', packageRoot()), 'utf8').includes('npm ci && npm test'));
});

test('every script that a page names is one of package.json', (t) => {
  const manifest = JSON.parse(readFileSync(new URL('package.json', packageRoot()), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const named = pages.flatMap(({ text }) =>
    [...text.matchAll(/\bnpm run ([\w:]+)/g)].map(([, name]) => name!),
  );
  t.true(named.length > 20);
  t.deepEqual(
    named.filter((name) => !Object.hasOwn(manifest.scripts, name)),
    [],
  );
});

test('every configuration that a page names is there', (t) => {
  const named = pages.flatMap(({ text }) =>
    [...text.matchAll(/\bconfigs\/[\w./-]+\.yaml\b/g)].map(([path]) => path),
  );
  t.true(named.length > 20);
  t.deepEqual(
    named.filter((path) => !existsSync(new URL(path, packageRoot()))),
    [],
  );
});

/** Flags of other programs, and of the benchmarks in bench/. */
const otherFlags = [
  'allow-addons',
  'allow-fs-read',
  'allow-fs-write',
  'allow-worker',
  'experimental-permission',
  'heap-growing-percent',
  'require',
  'rows',
  'servers',
  'peer',
  'cases',
  'all',
  'experimental-wasm-relaxed-simd',
  'list',
  'all-fast',
  'since',
];

test('every flag that a page names is one of the command', (t) => {
  const commands = Object.keys(schemas) as CommandName[];
  const settings = commands.flatMap((name) => Object.keys(jsonSchemaOf(name).properties ?? {}));
  const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const known = new Set([...settings.map(kebab), 'config', 'json', 'help', 'version', ...otherFlags]);
  const named = pages
    .filter(({ path }) => path !== 'CHANGELOG.md')
    .flatMap(({ text }) => [...proseOf(text).matchAll(/`--([a-z][\w-]*)/g)].map(([, name]) => name!));
  t.true(named.length > 50);
  t.deepEqual(
    named.filter((name) => !known.has(name)),
    [],
  );
});

test('the table of errors has every code with its meaning and its status', (t) => {
  const rows = [...textOf('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \| ([^|]+) \| [^|]+ \| (\d+) \|$/gm)];
  t.deepEqual(Object.fromEntries(rows.map(([, code, meaning]) => [code, meaning])), { ...errorCodes });
  t.deepEqual(Object.fromEntries(rows.map(([, code, , status]) => [code, Number(status)])), {
    ...httpStatuses,
  });
});

test('the tables of options have every option of an engine and of a call', (t) => {
  const names = new Set(namesOf(textOf('docs/options.md')));
  const source = readFileSync(new URL('src/engine/engine-options.ts', packageRoot()), 'utf8');
  const [, fields = ''] = /^export interface EngineOptions \{\n([^]*?)^\}/m.exec(source) ?? [];
  const ofEngine = [...fields.matchAll(/^  readonly (\w+)\?:/gm)].map(([, name]) => name!);
  t.true(ofEngine.length >= 10);
  const options = [...ofEngine, ...Object.keys(optionTable).map((path) => path.split('.')[0]!)];
  t.deepEqual(
    options.filter((name) => !names.has(name)),
    [],
  );
});
