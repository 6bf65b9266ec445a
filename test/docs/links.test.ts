// Links of all pages lead somewhere: to a file, and to a heading of it.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import test from 'ava';
import { pages, proseOf, type Page } from '../helpers/documents.js';
import { packageRoot } from '../helpers/package-root.js';

interface Link {
  readonly page: string;
  /** The file, from the root of the package. */
  readonly path: string;
  readonly anchor?: string | undefined;
}

const at = (path: string): URL => new URL(path, packageRoot());

/** Prose alone: code has brackets that are no links. */
function withoutCode(text: string): string {
  return proseOf(text).replace(/`[^`\n]*`/g, '');
}

function linksOf({ path, text }: Page): Link[] {
  const found = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)|\bsrc="([^"]+)"/g)];
  return found
    .map(([, link, source]) => (link ?? source)!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = '', anchor] = target.split('#');
      return { page: path, path: file === '' ? path : posix.join(posix.dirname(path), file), anchor };
    });
}

/** As GitHub makes them: lower case, spaces as dashes, what is no letter or number left out. */
function anchorsOf(text: string): string[] {
  const headings = [...proseOf(text).matchAll(/^#+ (.+)$/gm)];
  return headings.map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

function isGood({ path, anchor }: Link): boolean {
  if (!existsSync(at(path))) return false;
  if (anchor === undefined) return true;
  return statSync(at(path)).isFile() && anchorsOf(readFileSync(at(path), 'utf8')).includes(anchor);
}

const links = pages.flatMap(linksOf);

test('links are found', (t) => {
  t.true(links.length > 100);
  t.true(links.some(({ anchor }) => anchor !== undefined));
});

test('every link leads to a file, and to a heading where it names one', (t) => {
  const broken = links.filter((link) => !isGood(link));
  t.deepEqual(
    broken.map(({ page, path, anchor }) => `${page}: ${path}${anchor === undefined ? '' : `#${anchor}`}`),
    [],
  );
});

test('a link to no file, to no heading and into a folder is found', (t) => {
  const text = '# One `two`\n[a](no.md) [b](#one-two) [c](#three) [d](docs) [e](https://x.y) `[f](g.md)`';
  const found = linksOf({ path: 'README.md', text });
  t.deepEqual(
    found.map(({ path, anchor }) => [path, anchor]),
    [
      ['no.md', undefined],
      ['README.md', 'one-two'],
      ['README.md', 'three'],
      ['docs', undefined],
    ],
  );
  t.deepEqual(anchorsOf(text), ['one-two']);
  t.deepEqual(found.map(isGood), [false, false, false, true]);
});

test('every page of docs/ is in its contents or in those of the experiments', (t) => {
  const contents = links.filter(({ page }) => /^docs\/(experiments\/)?README\.md$/.test(page));
  const listed = new Set(contents.map(({ path }) => path));
  const missing = pages.filter(
    ({ path }) => path.startsWith('docs/') && path !== 'docs/README.md' && !listed.has(path),
  );
  t.deepEqual(
    missing.map(({ path }) => path),
    [],
  );
});
