// Puts the types of the library into one file, without those that only our own modules need. Twice: TypeScript reads .d.cts
// where a program uses require().
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

// What a program needs not have asked for: names of what it may have from Node.js or the DOM, and of `using`.
const header = `/// <reference lib="esnext.disposable" />
declare global {
  interface AbortSignal {}
  interface URL {}
}
`;

/**
 * @param entry the types that tsc made of the entry point
 * @param folder where the types go
 * @param values what the entry point exports when it runs; all else are types, classes too
 */
export async function bundleTypes(entry, folder, values) {
  const bundle = await rollup({ input: entry, plugins: [dts()], external: /^[^./]/ });
  const { output } = await bundle.generate({ format: 'es' });
  await bundle.close();
  const [{ code, exports, imports }] = output;
  if (imports.length > 0) throw new Error(`The types of the library need ${imports.join(', ')}`);
  const types = exports.filter((name) => !values.includes(name));
  const declarations = code.replaceAll(/^export .*;\n?/gm, '').trimEnd();
  const text =
    `${header}\n${declarations}\n\n` +
    `export { ${values.toSorted().join(', ')} };\nexport type { ${types.toSorted().join(', ')} };\n`;
  for (const name of ['index.d.ts', 'index.d.cts']) await writeFile(join(folder, name), text);
}
