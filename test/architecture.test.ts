// The rules of who may import whom, held against the sources; and the rules themselves against seeded violations.
import { readFileSync } from 'node:fs';
import test from 'ava';
import {
  findCircles,
  findFalseLines,
  findLayerBreaks,
  findOutward,
  findScattered,
  findUnregistered,
  readHouse,
  type Place,
} from './helpers/architecture.js';
import { parseSource, type ParsedSource } from './helpers/imports.js';
import { packageRoot, readSources } from './helpers/package-root.js';

type Rule = (sources: readonly ParsedSource[], house: readonly Place[]) => string[];

const sources = ['src', 'workers', 'bench', 'test/oracle'].flatMap(readSources).map(parseSource);

const house = readHouse(readFileSync(new URL('ARCHITECTURE.md', packageRoot()), 'utf8'));

test('the sources are found', (t) => {
  const paths = sources.map(({ path }) => path);
  for (const path of ['src/index.ts', 'src/engine/engine.ts', 'workers/worker.ts'])
    t.true(paths.includes(path), path);
  const imported = sources
    .flatMap(({ files }) => files)
    .filter((path) => !paths.includes(path) && path.endsWith('.ts'));
  t.deepEqual(imported, [], 'imports of files that are not there');
});

const obeys = test.macro((t, rule: Rule) => {
  t.deepEqual(rule(sources, house), []);
});

test('every import is one that ARCHITECTURE.md lists', obeys, findLayerBreaks);
test('every import that ARCHITECTURE.md lists is there, and runs up its table', obeys, findFalseLines);
test('no imports run in a circle, by type neither', obeys, findCircles);
test('only registries import implementations', obeys, findUnregistered);
test('each package is imported in one file or one folder of a part', obeys, findScattered);
test('only the command exits, prints and reads the environment', obeys, findOutward);

/** Sources made up from their texts, and how many violations a rule must find in them. */
const finds = test.macro((t, rule: Rule, texts: Readonly<Record<string, string>>, count: number) => {
  const found = rule(
    Object.entries(texts).map(([path, text]) => parseSource({ path, text })),
    house,
  );
  t.is(found.length, count, found.join('\n'));
});

const fromWorker = (path: string) => ({
  'workers/phases/attend.ts': `import type { A } from '../../src/${path}';`,
});
test('a worker that imports the engine is found', finds, findLayerBreaks, fromWorker('engine/job.js'), 1);
test(
  'a worker may import what both threads share',
  finds,
  findLayerBreaks,
  fromWorker('core/tensor/region.js'),
  0,
);
const fromMain = (text: string) => ({ 'src/engine/pool.ts': text });
test(
  'a main thread that imports the worker is found',
  finds,
  findLayerBreaks,
  fromMain("import { serve } from '../../workers/worker.js';"),
  1,
);
test(
  'a main thread that imports a kernel by type is found',
  finds,
  findLayerBreaks,
  fromMain("let k: import('../../workers/kernels/kernel.js').Kernel;"),
  1,
);
test(
  'a main thread may import what both threads share',
  finds,
  findLayerBreaks,
  fromMain("export * from '../core/protocol/messages.js';"),
  0,
);
const fromProtocol = (path: string) => ({
  'src/core/protocol/work.ts': `import type { A } from '${path}';`,
});
test(
  'a protocol that imports a phase is found',
  finds,
  findLayerBreaks,
  fromProtocol('../../../workers/phases/attend.js'),
  1,
);
test(
  'a protocol that imports the engine is found',
  finds,
  findLayerBreaks,
  fromProtocol('../../engine/job.js'),
  1,
);
test('parts of the protocol may import each other', finds, findLayerBreaks, fromProtocol('./layout.js'), 0);

const layered = (from: string, to: string) => ({ [from]: `import { a } from '${to}';` });
test(
  'tensors that import the engine are found',
  finds,
  findLayerBreaks,
  layered('src/core/tensor/shape.ts', '../../engine/plan.js'),
  1,
);
test(
  'files and attention that know each other are found',
  finds,
  findLayerBreaks,
  layered('src/files/npy.ts', '../attention/options.js'),
  1,
);
test(
  'a command that another layer imports is found',
  finds,
  findLayerBreaks,
  layered('src/runs/run.ts', '../commands/run.js'),
  1,
);
const seededHouse: Place[] = [
  { path: 'src/a/', imports: [] },
  { path: 'src/b/', imports: ['src/a/', 'src/c/'] },
  { path: 'src/c/', imports: [] },
  { path: 'src/d/', imports: [] },
];
test('lines of the house that are not true are found', (t) => {
  const texts = { 'src/a/one.ts': '', 'src/b/two.ts': "import '../c/three.js';", 'src/c/three.ts': '' };
  const parsed = Object.entries(texts).map(([path, text]) => parseSource({ path, text }));
  t.deepEqual(findFalseLines(parsed, seededHouse), [
    'src/b/ does not import src/a/',
    'src/c/ does not stand above src/b/',
    'src/d/ is empty',
  ]);
});
test('a file of no place is found', finds, findLayerBreaks, layered('src/new/file.ts', '../index.js'), 1);
test(
  'measuring that imports its reports is found',
  finds,
  findLayerBreaks,
  layered('src/measure/pairs.ts', './report/page.js'),
  1,
);
test(
  'a report may import what it reports',
  finds,
  findLayerBreaks,
  layered('src/measure/report/page.ts', '../pairs.js'),
  0,
);
test(
  'a re-export the wrong way is found',
  finds,
  findLayerBreaks,
  { 'src/core/a.ts': "export { b } from '../files/b.js';" },
  1,
);
test(
  'an import() the wrong way is found',
  finds,
  findLayerBreaks,
  { 'src/core/a.ts': "const b = await import('../files/b.js');" },
  1,
);
test(
  'imports of lower layers and of the own folder are fine',
  finds,
  findLayerBreaks,
  {
    'src/engine/engine.ts':
      "import '../attention/options.js'; import './plan.js'; import '../core/errors.js';",
    'src/cli.ts': "import './commands/run.js';",
  },
  0,
);
test(
  'words in comments and strings are no imports',
  finds,
  findLayerBreaks,
  {
    'src/core/a.ts': "// import '../engine/b.js'\nconst text = \"import x from '../engine/b.js'\";",
  },
  0,
);

test(
  'a circle of two is found',
  finds,
  findCircles,
  {
    'src/a.ts': "import { b } from './b.js';",
    'src/b.ts': "import type { A } from './a.js';",
  },
  1,
);
test(
  'a circle of three through types is found',
  finds,
  findCircles,
  {
    'src/a.ts': "import type { B } from './b.js';",
    'src/b.ts': "export type { C } from './c.js';",
    'src/c.ts': "type A = import('./a.js').A;",
  },
  1,
);
test('a file that imports itself is found', finds, findCircles, { 'src/a.ts': "import './a.js';" }, 1);
test(
  'two ways to the same file are no circle',
  finds,
  findCircles,
  {
    'src/a.ts': "import './b.js'; import './c.js';",
    'src/b.ts': "import './d.js';",
    'src/c.ts': "import './d.js';",
    'src/d.ts': '',
  },
  0,
);

test(
  'a phase that imports a kernel itself is found',
  finds,
  findUnregistered,
  {
    'workers/phases/attend.ts': "import { wasmKernel } from '../kernels/wasm/wasm-kernel.js';",
  },
  1,
);
test(
  'a command that imports a format itself is found',
  finds,
  findUnregistered,
  {
    'src/commands/run.ts': "import { openNpy } from '../files/sequences/npy-format.js';",
  },
  1,
);
test(
  'registries may import implementations, anybody an interface',
  finds,
  findUnregistered,
  {
    'workers/kernels/registry.ts':
      "import { wasmKernel } from './wasm/wasm-kernel.js'; import type { Kernel } from './kernel.js';",
    'src/files/sequences/formats.ts': "import { openNpy } from './npy-format.js';",
  },
  0,
);

test(
  'a package in two folders is found',
  finds,
  findScattered,
  {
    'src/files/a/one.ts': "import { z } from 'zod';",
    'src/files/b/two.ts': "import type { ZodType } from 'zod/v4';",
  },
  1,
);
test(
  'a scoped package in two folders is found',
  finds,
  findScattered,
  {
    'workers/a/one.ts': "import '@scope/name/part';",
    'workers/b/two.ts': "import '@scope/name';",
  },
  1,
);
test(
  'a package in one folder of each part and modules of Node anywhere are fine',
  finds,
  findScattered,
  {
    'src/files/a/one.ts': "import { z } from 'zod'; import 'node:fs';",
    'src/files/a/two.ts': "import { z } from 'zod';",
    'src/files/b/three.ts': "import 'node:fs';",
    'src/config/four.ts': "import { z } from 'zod';",
  },
  0,
);

test(
  'exits, prints and the environment are found',
  finds,
  findOutward,
  {
    'src/engine/a.ts':
      "process.exit(1); console.log(''); const x = process.env.HOME; globalThis.process.exit();",
    'workers/b.ts':
      "import { env, exit as leave } from 'node:process'; globalThis.console.error(process.env);",
  },
  8,
);
test(
  'the command, benchmarks and the switch of the native loader are fine',
  finds,
  findOutward,
  {
    'src/commands/a.ts': 'console.log(process.env.HOME); process.exit(1);',
    'bench/b.ts': "console.log('');",
    'workers/kernels/native/addon.ts': 'const isa = process.env.HEADPOOL_ISA;',
    'src/engine/c.ts':
      "const text = 'console.log'; const { versions } = process; options.console; // process.exit()",
  },
  0,
);
test(
  'a native loader that prints is found, and a kernel beside it that reads the environment',
  finds,
  findOutward,
  {
    'workers/kernels/native/addon.ts': 'console.log(1);',
    'workers/kernels/native/native-kernel.ts': 'const isa = process.env.HEADPOOL_ISA;',
  },
  2,
);
