// Writes the JSON Schemas of the commands: of their configuration files, for editors, and of what they print with --json.
// `npm run schema` runs it after a build.
import { mkdir, writeFile } from 'node:fs/promises';
import { outputSchemaOf, outputSchemas } from '../dist/src/commands/outputs/schemas.js';
import { configSchemaOf, schemas } from '../dist/src/config/schemas.js';

await write('configs/schema', schemas, configSchemaOf);
await write('docs/schema', outputSchemas, outputSchemaOf);

async function write(folder, named, schemaOf) {
  const url = new URL(`../${folder}/`, import.meta.url);
  await mkdir(url, { recursive: true });
  for (const name of Object.keys(named)) {
    await writeFile(new URL(`${name}.json`, url), `${JSON.stringify(schemaOf(name), null, 2)}\n`);
  }
}
