// Writes the JSON Schemas of the commands' configuration files, for editors. `npm run schema` runs it after a build.
import { writeFile } from 'node:fs/promises';
import { jsonSchemaOf, schemas } from '../dist/src/config/schemas.js';

for (const name of Object.keys(schemas)) {
  await writeFile(
    new URL(`../configs/schema/${name}.json`, import.meta.url),
    `${JSON.stringify(jsonSchemaOf(name), null, 2)}\n`,
  );
}
