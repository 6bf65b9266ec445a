// The pages that readers see: what they are, their blocks of code, and folders to try them in.
import { cp, mkdir, symlink } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { cli, run } from './command.js';
import { makeFolder } from './make-folder.js';
import { modelDim, modelsFolder } from './models.js';
import { packageRoot } from './package-root.js';

export interface Page {
  /** Such as `docs/files.md`. */
  readonly path: string;
  readonly text: string;
}

export interface Block {
  readonly page: string;
  readonly line: number;
  /** What stands behind the opening fence, such as `sh`. */
  readonly language: string;
  readonly text: string;
  /** What the page shows as its output: a block of `text` just below. */
  readonly shown?: string;
}

const root = fileURLToPath(packageRoot());

function pagesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.md') && !/(^|\/)(node_modules|api)\//.test(path))
    .sort();
}

function readPage(path: string): Page {
  return { path, text: readFileSync(join(root, path), 'utf8') };
}

/** README.md and docs/: whatever they say to type must work. */
export const manual = ['README.md', ...pagesBelow('docs')].map(readPage);

/** Those about the repository too. */
export const pages = [
  ...manual,
  ...['ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', ...pagesBelow('examples')].map(
    readPage,
  ),
];

/** A page without its fenced blocks. */
export function proseOf(text: string): string {
  return text.replace(/^```[^]*?^```$/gm, '');
}

/** The fenced blocks of a page, in order. */
export function readBlocks({ path, text }: Page): Block[] {
  const fenced = /^```(\S*)\n([^]*?)^```\n(?=(?:\n*```text\n([^]*?)^```$)?)/gm;
  return [...text.matchAll(fenced)].map(({ 1: language, 2: body, 3: shown, index }) => ({
    page: path,
    line: text.slice(0, index).split('\n').length,
    language: language!,
    text: body!,
    ...(shown !== undefined && { shown }),
  }));
}

/** Files that a page speaks of and no line of it makes: the reader's own. Tiny models stand for large ones. */
const readersFiles: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'docs/weights.md': {
    'bert-base-uncased': `${modelsFolder}/bert`,
    'encoder.safetensors': `${modelsFolder}/torch-encoder/model.safetensors`,
    'config.json': `${modelsFolder}/torch-encoder/config.json`,
  },
  'docs/bundling.md': { 'server.ts': 'examples/library/self.mjs' },
};

/** What they have made by the command before: arrays of their own, and what `npm start` makes. */
const readersRuns: Readonly<Record<string, readonly string[]>> = {
  'docs/weights.md': [`make-sequences -o x.npy --sequences 1 --model-dim ${modelDim}`],
  'docs/command-json.md': [
    'make-sequences --config configs/demo-sequences.yaml --sequences 4',
    'make-weights --config configs/demo-weights.yaml',
  ],
};

/** A folder with the package installed, the folders of a checkout that pages name, and the reader's files. */
export async function makeReadersFolder(t: ExecutionContext, page: string): Promise<string> {
  const folder = await makeFolder(t);
  await mkdir(join(folder, 'node_modules/.bin'), { recursive: true });
  await symlink(root, join(folder, 'node_modules/headpool'), 'junction');
  await symlink(cli, join(folder, 'node_modules/.bin/headpool'));
  await symlink(join(root, 'node_modules/.bin/esbuild'), join(folder, 'node_modules/.bin/esbuild'));
  await symlink(join(root, 'configs'), join(folder, 'configs'), 'junction');
  await mkdir(join(folder, 'test'));
  await symlink(join(root, 'test/conformance'), join(folder, 'test/conformance'), 'junction');
  for (const [name, source] of Object.entries(readersFiles[page] ?? {}))
    await cp(join(root, source), join(folder, name), { recursive: true });
  for (const line of readersRuns[page] ?? []) await run(folder, line.split(' '));
  return folder;
}
