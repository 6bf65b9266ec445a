// Writes the version of package.json into src/engine/version.ts; `npm version` runs it.
import { readFile, writeFile } from 'node:fs/promises';

const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
const file = new URL('../src/engine/version.ts', import.meta.url);
const source = await readFile(file, 'utf8');
await writeFile(file, source.replace(/(?<=version = ')[^']+/, version));
