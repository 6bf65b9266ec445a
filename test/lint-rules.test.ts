// Our own lint rules, held against code that breaks them and code that doesn't.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import ts from 'typescript';
import { packageRoot } from './helpers/package-root.js';

type Rule = NonNullable<NonNullable<Linter.Config['plugins']>[string]['rules']>[string];

const { noListSpread } = (await import(new URL('tools/lint/no-list-spread.mjs', packageRoot()).href)) as {
  readonly noListSpread: Rule;
};

let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headpool-lint-'));
});
test.after.always(() => rm(folder, { recursive: true }));

const reports = test.macro(async (t, code: string, count: number) => {
  const path = join(folder, `case-${t.title.replaceAll(/\W+/g, '-')}.ts`);
  await writeFile(path, code);
  const program = ts.createProgram([path], { target: ts.ScriptTarget.ES2022, strict: true, types: [] });
  const messages = new Linter({ cwd: folder }).verify(
    code,
    [
      {
        files: ['**/*.ts'],
        languageOptions: { parser: tseslint.parser, parserOptions: { programs: [program] } },
        plugins: { headpool: { rules: { 'no-list-spread': noListSpread } } },
        rules: { 'headpool/no-list-spread': 'error' },
      },
    ],
    { filename: path },
  );
  t.deepEqual(
    messages.map(({ ruleId }) => ruleId),
    Array.from({ length: count }, () => 'headpool/no-list-spread'),
    messages.map(({ message }) => message).join('\n'),
  );
});

const lists = 'declare const list: number[]; declare const codes: readonly number[];';

test('a list as the arguments of Math.max is found', reports, `${lists} Math.max(0, ...list);`, 1);
test('a list pushed onto another is found', reports, `${lists} list.push(...codes);`, 1);
test('characters made of a list are found', reports, `${lists} String.fromCharCode(...codes, ...list);`, 2);
test('a list of a constructor is found', reports, `${lists} new Array(...list);`, 1);
test('what a call makes is found', reports, `${lists} list.push(...codes.map((code) => code + 1));`, 1);
test('a typed array is found', reports, 'Math.max(...new Float32Array(9));', 1);
test(
  'a tuple that ends in a list is found',
  reports,
  'declare const some: [number, ...number[]]; Math.max(...some);',
  1,
);
test(
  'a list taken from the end of another is found',
  reports,
  `${lists} const [, ...rest] = list; Math.max(...rest);`,
  1,
);
test('a list in a list is none', reports, `${lists} export const both = [...list, ...codes];`, 0);
test(
  'a tuple is none, read-only or not',
  reports,
  'declare const at: readonly [number, number]; declare const to: [number]; Math.max(...at, ...to);',
  0,
);
test(
  "the arguments of a function are none in another function's, or within one of its own",
  reports,
  'export const most = (...all: number[]) => [1].map((n) => Math.max(n, ...all));',
  0,
);
