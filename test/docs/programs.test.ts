// Every program and piece of one in README.md and docs/ compiles, strictly; whole programs run and print what is shown.
import { execFile, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import ts from 'typescript';
import { makeReadersFolder, manual, readBlocks, type Block } from '../helpers/documents.js';
import { packageRoot } from '../helpers/package-root.js';
import { findDifference } from '../helpers/shown-output.js';

/** Names that pieces use as the pages around them introduce them. */
const names = `
type Api = typeof import('headpool');
interface Mask { readonly shape: readonly number[]; readonly data: readonly boolean[] }
declare global {
  const createEngine: Api['createEngine'];
  const alibiSlopes: Api['alibiSlopes'];
  const HeadpoolError: Api['HeadpoolError'];
  const engine: import('headpool').Engine;
  const layer: import('headpool').MultiHeadAttention;
  const weights: import('headpool').MultiHeadWeights;
  const heads: number;
  const x: import('headpool').Tensor, q: typeof x, k: typeof x, v: typeof x;
  const attn_mask: Mask, key_padding_mask: Mask;
}
`;

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.es2024.sharedmemory.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  strict: true,
  noEmit: true,
  allowJs: true,
  checkJs: true,
  skipLibCheck: true,
  types: ['node'],
  typeRoots: [fileURLToPath(new URL('node_modules/@types', packageRoot()))],
};

const blocks = manual.flatMap(readBlocks).filter(({ language }) => /^(ts|js)$/.test(language));
const isWhole = ({ text }: Block): boolean => /import \{[^}]*\bcreateEngine\b/.test(text);
const isEnding = ({ text }: Block): boolean => /^await (using|engine\.close\(\))/m.test(text);

const nameOf = ({ page, line, language }: Block): string =>
  `${page.replaceAll(/\W/g, '-')}-${line}.m${language}`;

/** What the compiler says of blocks, each a module; pieces have `names` besides. */
async function compile(t: ExecutionContext, chosen: readonly Block[], ambient = ''): Promise<string[]> {
  const folder = await makeReadersFolder(t, '');
  const declarations = join(folder, 'names.d.mts');
  await writeFile(declarations, `${ambient}export {};\n`);
  const paths = await Promise.all(
    chosen.map(async (block) => {
      const path = join(folder, nameOf(block));
      await writeFile(path, `${block.text}\nexport {};\n`);
      return path;
    }),
  );
  const program = ts.createProgram([declarations, ...paths], options);
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const at =
      file === undefined ? '' : `${file.fileName}:${file.getLineAndCharacterOfPosition(start!).line + 1}: `;
    return at.replace(`${folder}/`, '') + ts.flattenDiagnosticMessageText(messageText, '\n');
  });
}

test('programs are found, whole ones and pieces', (t) => {
  t.true(blocks.filter(isWhole).length >= 4);
  t.true(blocks.filter((block) => !isWhole(block)).length >= 4);
});

test('whole programs compile by themselves', async (t) => {
  t.deepEqual(await compile(t, blocks.filter(isWhole)), []);
});

test('pieces of programs compile with the names that pages introduce', async (t) => {
  t.deepEqual(
    await compile(
      t,
      blocks.filter((block) => !isWhole(block)),
      names,
    ),
    [],
  );
});

test('a piece with a wrong option is found', async (t) => {
  const page = { path: 'made-up.md', text: '```ts\nawait layer.forward(x, { casual: true });\n```\n' };
  const found = await compile(t, readBlocks(page), names);
  t.is(found.length, 1, found.join('\n'));
  t.regex(found[0]!, /casual/);
});

/** A block as a program that any Node can run, without types and `using`. */
function transpile({ text }: Block): string {
  return ts.transpile(text, { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext });
}

for (const block of blocks.filter((block) => isWhole(block) && isEnding(block))) {
  test(`the program in line ${block.line} of ${block.page} runs`, async (t) => {
    const folder = await makeReadersFolder(t, block.page);
    const path = join(folder, 'program.mjs');
    await writeFile(path, transpile(block));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [path], { cwd: folder });
    t.is(stderr, '');
    if (block.shown !== undefined) t.is(findDifference(block.shown, stdout), undefined);
  });
}

test('pieces of Python are Python', (t) => {
  const pieces = manual.flatMap(readBlocks).filter(({ language }) => language === 'python');
  t.true(pieces.length > 0);
  if (spawnSync('python3', ['--version']).status !== 0) {
    t.log('not run here: no python3');
    return;
  }
  for (const { page, line, text } of pieces) {
    const { status, stderr } = spawnSync('python3', ['-c', `compile(open(0).read(), '${page}', 'exec')`], {
      input: text,
      encoding: 'utf8',
    });
    t.is(status, 0, `${page}:${line}: ${stderr}`);
  }
});
