// The types as a program sees them that has only the package: with every TypeScript that is promised, every way to find
// modules, and everything checked. None of them may need the DOM or the types of Node.js.
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execute, installPacked, linkPackage, root } from '../helpers/packed.js';

const { program, folder } = await installPacked();
const sources = join(root, 'test/package/consumer');

interface Way {
  readonly title: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly files: readonly string[];
  /** The last TypeScript that knows it. */
  readonly until?: number;
}

const ways: readonly Way[] = [
  {
    title: 'module nodenext, nothing of Node.js and the DOM',
    options: { module: 'nodenext', lib: ['es2022'], types: [] },
    files: ['library.mts', 'library.cts'],
  },
  {
    title: 'module node16, types of Node.js',
    options: { module: 'node16', lib: ['es2022'], types: ['node'] },
    files: ['library.mts', 'library.cts', 'node.mts'],
  },
  {
    title: 'module esnext, found as a bundler does, types of the DOM',
    options: { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom'], types: [] },
    files: ['library.mts'],
  },
  {
    title: 'module commonjs, found as Node.js 10 did',
    options: { module: 'commonjs', moduleResolution: 'node10', lib: ['es2022'], types: [] },
    files: ['library.cts'],
    until: 5,
  },
];

const { devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
  readonly devDependencies: Readonly<Record<string, string>>;
};

interface Compiler {
  readonly folder: string;
  readonly version: string;
}

/** The one that builds this package, and those in folders of their own. */
const compilers = await Promise.all(
  Object.keys(devDependencies)
    .filter((name) => /^typescript(-[\d.]+)?$/.test(name))
    .map((name) =>
      join(root, 'node_modules', name === 'typescript' ? name : `${name}/node_modules/typescript`),
    )
    .map(openCompiler),
);

test.before(async () => {
  await linkPackage(program, '@types/node');
  await linkPackage(program, 'undici-types');
});

test('there are compilers from 5.7 to 7', (t) => {
  t.deepEqual(compilers.map(({ version }) => /^5\.\d|^\d/.exec(version)![0]).sort(), [
    '5.7',
    '5.8',
    '5.9',
    '6',
    '7',
  ]);
});

for (const compiler of compilers) {
  const { version } = compiler;
  for (const { title, options, files, until = Infinity } of ways) {
    if (Number.parseInt(version) > until) continue;
    test.serial(`TypeScript ${version}: ${title}`, async (t) => {
      const where = join(program, 'types', `${version} ${title}`);
      await mkdir(where, { recursive: true });
      for (const file of files) await cp(join(sources, file), join(where, file));
      const compilerOptions = {
        ...options,
        target: 'es2022',
        strict: true,
        skipLibCheck: false,
        noEmit: true,
      };
      await writeFile(join(where, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
      t.is(await compile(compiler, where), '');
    });
  }
}

test('a program that is wrong does not compile', async (t) => {
  const where = join(program, 'types', 'wrong');
  await mkdir(where, { recursive: true });
  await writeFile(
    join(where, 'wrong.mts'),
    "import { createEngine } from 'headpool';\nawait createEngine({ threads: '2' });\n",
  );
  const compilerOptions = { module: 'nodenext', target: 'es2022', types: [], noEmit: true, strict: true };
  await writeFile(join(where, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['wrong.mts'] }));
  t.regex(await compile(compilers[0]!, where), /^wrong\.mts\(2,\d+\): error TS2322/);
});

test('every type that the types of the library speak of is exported', async (t) => {
  const text = await readFile(join(folder, 'dist/library/index.d.ts'), 'utf8');
  const declared = [...text.matchAll(/^(?:declare )?(?:abstract )?(?:interface|type|class) (\w+)/gm)].map(
    ([, name]) => name!,
  );
  const exported = [...text.matchAll(/^export (?:type )?\{ (.*) \};$/gm)].flatMap(([, list]) =>
    list!.split(', '),
  );
  t.true(declared.length > 50, `${declared.length}`);
  t.deepEqual(
    declared.filter((name) => !exported.includes(name)),
    [],
  );
});

async function openCompiler(folder: string): Promise<Compiler> {
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Compiler;
  return { folder, version };
}

/** What the compiler says; nothing where all is well. */
async function compile(compiler: Compiler, where: string): Promise<string> {
  try {
    return (await execute(process.execPath, [join(compiler.folder, 'bin/tsc'), '-p', where], { cwd: where }))
      .stdout;
  } catch (error) {
    const { stdout, message } = error as Error & { readonly stdout: string };
    return stdout || message;
  }
}
