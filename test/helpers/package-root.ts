// Where the sources and test data lie: compiled tests run from another folder than they were written in.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Source } from './imports.js';

/** The folder of package.json and src/, with a slash at its end. */
export function packageRoot(): URL {
  let folder = new URL('./', import.meta.url);
  while (!existsSync(new URL('src/index.ts', folder))) {
    const parent = new URL('../', folder);
    if (parent.href === folder.href) throw new Error('No folder above this one holds src/index.ts');
    folder = parent;
  }
  return folder;
}

export function packageVersion(): string {
  const text = readFileSync(new URL('package.json', packageRoot()), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** The TypeScript below a folder such as `src`; what compares us with peers is a package of its own. */
export function readSources(folder: string): Source[] {
  const root = packageRoot();
  return readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts') && !path.startsWith('bench/peers/'))
    .map((path) => ({ path, text: readFileSync(new URL(path, root), 'utf8') }));
}
