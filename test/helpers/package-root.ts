// Where the sources and test data lie: compiled tests run from another folder than they were written in.
import { existsSync } from 'node:fs';

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
