// Which tests the loop for working finds for a change, on sources made up and on the real ones.
import { existsSync } from 'node:fs';
import test from 'ava';
import { packageRoot, readSources } from './helpers/package-root.js';
import {
  findTouched,
  needs,
  orderOf,
  readUses,
  slowTests,
  spread,
  takeWithin,
} from './helpers/select-tests.js';

const madeUp = readUses(
  Object.entries({
    'src/a.ts': '',
    'src/b.ts': "import { a } from './a.js';",
    'src/c.ts': "import type { B } from './b.js';",
    'src/thread.ts': "import './a.js';",
    'src/pool.ts': "new Worker(new URL('thread.js', import.meta.url));",
    'src/lazy.ts': "const load = () => import('./c.js');",
    'test/a.test.ts': "import '../src/a.js';",
    'test/b.test.ts': "import '../src/b.js';",
    'test/c.test.ts': "import '../src/c.js';",
    'test/lazy.test.ts': "import '../src/lazy.js';",
    'test/gone.test.ts': "import '../src/gone.js';",
    'test/pool.test.ts': "import '../src/pool.js';",
    'test/pages.test.ts': "readFileSync('docs/pages/one.md');",
    'test/suites.test.ts': 'readFileSync(`test/data/${name}.bin`);',
    'test/parts/one.test.ts': '',
    'test/parts/deep/two.test.ts': '',
    'test/parts/workers/dies.ts': '',
  }).map(([path, text]) => ({ path, text })),
);

const touches = test.macro({
  title: (title) => `A change of ${title ?? ''}`,
  exec: (t, changed: readonly string[], wanted: Readonly<Record<string, number>>) => {
    const found = findTouched(madeUp, changed).map(({ path, distance }) => [path, distance]);
    t.deepEqual(Object.fromEntries(found), wanted);
  },
});

test('a test touches that test', touches, ['test/a.test.ts'], { 'test/a.test.ts': 0 });
test('a source touches who imports it, by type and later too, and who starts it', touches, ['src/a.ts'], {
  'test/a.test.ts': 1,
  'test/b.test.ts': 2,
  'test/c.test.ts': 3,
  'test/lazy.test.ts': 4,
  'test/pool.test.ts': 3,
});
test('what few need touches few', touches, ['src/lazy.ts'], { 'test/lazy.test.ts': 1 });
test('two sources counts from the nearer one', touches, ['src/a.ts', 'src/c.ts'], {
  'test/a.test.ts': 1,
  'test/b.test.ts': 2,
  'test/c.test.ts': 1,
  'test/lazy.test.ts': 2,
  'test/pool.test.ts': 3,
});
test('a page touches who reads it by its name', touches, ['docs/pages/one.md'], { 'test/pages.test.ts': 1 });
test('a page of a folder that is not named touches nothing', touches, ['docs/other/one.md'], {});
test('data touches who reads their folder', touches, ['test/data/numbers.bin'], { 'test/suites.test.ts': 1 });
test('a test file that nobody names touches the tests beside it', touches, ['test/parts/workers/dies.ts'], {
  'test/parts/one.test.ts': 1,
  'test/parts/deep/two.test.ts': 1,
});
test('a source that is gone touches who still imports it', touches, ['src/gone.ts'], {
  'test/gone.test.ts': 1,
});
test('nothing touches nothing', touches, [], {});

const uses = readUses(['src', 'workers', 'bench', 'test'].flatMap(readSources));
const touchedBy = (path: string): string[] => orderOf(findTouched(uses, [path]));

test('the sources of kernels touch the tests of the engines that run them', (t) => {
  for (const path of ['workers/kernels/source/tile.h', 'workers/worker.ts'])
    t.true(touchedBy(path).includes('test/attention/shapes.test.ts'), path);
});

test('a command touches the tests that start it', (t) => {
  t.true(touchedBy('src/commands/run.ts').includes('test/commands/run.test.ts'));
  t.true(touchedBy('tools/bundle.mjs').includes('test/bundle.test.ts'));
});

test('what reads a file comes before what needs that by other ways', (t) => {
  const paths = touchedBy('src/files/zip/inflate.ts');
  const places = ['test/files/zip.test.ts', 'test/files/sequences/npz.test.ts', 'test/runs/run.test.ts'];
  t.deepEqual(
    places.toSorted((a, b) => paths.indexOf(a) - paths.indexOf(b)),
    places,
  );
  t.false(touchedBy('src/files/zip/inflate.ts').includes('test/measure/student.test.ts'));
});

test('what is named without being imported is there', (t) => {
  const named = [...needs.map(({ user }) => user), ...Object.keys(slowTests)];
  t.deepEqual(
    named.filter((path) => !existsSync(new URL(path, packageRoot()))),
    [],
  );
});

test('what takes least comes first, from one folder after another', (t) => {
  const [slow] = Object.keys(slowTests);
  t.deepEqual(spread([slow!, 'test/x/b.test.ts', 'test/x/a.test.ts', 'test/y/c.test.ts']), [
    'test/x/a.test.ts',
    'test/y/c.test.ts',
    slow!,
    'test/x/b.test.ts',
  ]);
});

test('tests are taken until the time is used, and then those that still fit', (t) => {
  const [slow] = Object.keys(slowTests);
  t.deepEqual(takeWithin(['test/a.test.ts', slow!, 'test/b.test.ts', 'test/c.test.ts'], 2), [
    'test/a.test.ts',
    'test/b.test.ts',
  ]);
});
