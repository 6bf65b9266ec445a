// The example's own files: its types, and the settings that its page lists.
import { join } from 'node:path';
import { readdir } from 'node:fs/promises';
import test from 'ava';
import ts from 'typescript';
import { pages } from '../helpers/documents.js';
import { copyServer } from '../helpers/example-server.js';
import { packageRoot } from '../helpers/package-root.js';

test('examples/server is right by its types, strictly', async (t) => {
  const folder = await copyServer(t);
  const files = (await readdir(folder)).filter((name) => name.endsWith('.js'));
  t.true(files.length > 5);
  const program = ts.createProgram(
    files.map((name) => join(folder, name)),
    {
      target: ts.ScriptTarget.ES2023,
      lib: ['lib.es2023.d.ts', 'lib.es2024.sharedmemory.d.ts', 'lib.esnext.disposable.d.ts'],
      module: ts.ModuleKind.NodeNext,
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      allowJs: true,
      checkJs: true,
      skipLibCheck: true,
      types: ['node'],
      typeRoots: [join(folder, 'node_modules/@types')],
    },
  );
  const found = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    return `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
  t.deepEqual(found, []);
});

test('its page lists every setting, and its default where that is a number', async (t) => {
  const { readSettings } = (await import(new URL('examples/server/settings.js', packageRoot()).href)) as {
    readonly readSettings: (variables: object) => Readonly<Record<string, unknown>>;
  };
  const { text } = pages.find(({ path }) => path === 'examples/server/README.md')!;
  const rows = [...text.matchAll(/^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \| (.*?) \|/gm)];
  const listed = rows.flatMap(([, names, defaults]) => {
    const shown = defaults!.split(', ');
    return [...names!.matchAll(/[A-Z_]+/g)].map(([name], n) => [name, shown[n] ?? ''] as const);
  });
  const settings = readSettings({});
  t.deepEqual(listed.map(([name]) => name).sort(), Object.keys(settings).sort());
  for (const [name, shown] of listed) {
    const [, digits, unit] = /^(\d+)( MiB)?$/.exec(shown) ?? [];
    if (digits === undefined || settings[name] === 0) continue;
    t.is(settings[name], Number(digits) * (unit === undefined ? 1 : 2 ** 20), name);
  }
  t.is(readSettings({ PORT: '' }).PORT, 8080);
  t.is(readSettings({ PORT: '0' }).PORT, 0);
});
