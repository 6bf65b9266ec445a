// Bundles what a command, the library and a worker load at their start, of ours and of packages, into few files: a hundred
// modules found, read and compiled one by one take longer than the rest of a start. Made of the sources, since the bundle
// of the worker stands where tsc puts its module. The modules stay where tsc put them, for tests and benchmarks; of dist/,
// a package holds the bundles, the library's types, and what workers read.
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleTypes } from './bundle-types.mjs';
import { keepTexts } from './keep-texts.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Bundles modules for Node.js; what is imported dynamically becomes a file of its own.
 * @param entryPoints modules to load, by the names of their bundles without `.js`
 * @param folder where bundles go, all of them side by side
 * @param options what these bundles need of their own; `external` is not there, or found when it is imported
 */
async function bundle(entryPoints, folder, { external = [], ...options } = {}) {
  const { metafile } = await build({
    entryPoints,
    outdir: folder,
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    minify: true,
    // Names of functions and classes are read in stacks, and those of errors printed.
    keepNames: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // piscina looks for a file beside its own; the others are seldom needed.
    external: [
      'piscina',
      'benchmark',
      'hyparquet*',
      'gpu.js',
      'webgpu',
      'bullmq',
      'ioredis',
      'pg',
      ...external,
    ],
    plugins: [keepTexts(root, folder), keepPlaces(folder), layOutLate],
    allowOverwrite: true,
    metafile: true,
    logLevel: 'warning',
    ...options,
  });
  const notices = await collectNotices(Object.keys(metafile.inputs));
  if (notices !== '') await writeFile(join(folder, 'NOTICES.txt'), notices);
  return metafile;
}

/**
 * A module of ours that looks for files beside itself in dist/ finds them from its bundle too. A host may bundle it once
 * more, as CommonJS, where there is no import.meta. (And where `new URL` is given a place and import.meta.url alone, webpack
 * looks for an asset.)
 */
function keepPlaces(folder) {
  return {
    name: 'keep places',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        const compiled = join(root, 'dist', relative(root, path)).replace(/ts$/, 'js');
        const place = relative(folder, compiled).split(sep).join('/');
        const here = `new URL('${place}', import.meta.url ?? \`file://\${__filename}\`).href`;
        return { contents: source.replaceAll('import.meta.url', here), loader: 'ts' };
      });
    },
  };
}

/** What yargs measures and lays out its help with, and nothing else, takes longer to load than all of yargs. */
const layOutLate = {
  name: 'lay out late',
  setup({ onResolve, onLoad }) {
    const namespace = 'late';
    onResolve({ filter: /^(cliui|string-width)$/ }, ({ path, importer, namespace: from, resolveDir }) => {
      return from === 'file' && importer.includes('yargs')
        ? { path, namespace, pluginData: resolveDir }
        : undefined;
    });
    onLoad({ filter: /.*/, namespace }, ({ path, pluginData: resolveDir }) => {
      return { contents: `export default (...args) => require('${path}').default(...args);`, resolveDir };
    });
  },
};

/** The licences of the packages in a bundle, which ask to go with every copy. */
async function collectNotices(inputs) {
  const folders = new Set(
    inputs.flatMap((path) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
  );
  const notices = [...folders].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'));
    return `${name} ${version}: ${license}\n\n${await readLicense(join(root, folder))}`;
  });
  return (await Promise.all(notices)).join(`\n${'-'.repeat(80)}\n\n`);
}

async function readLicense(folder) {
  const file = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name));
  if (file === undefined) throw new Error(`${folder}: expected a licence, which a bundle must show`);
  return readFile(join(folder, file), 'utf8');
}

const command = { headpool: 'src/cli.ts' };
const folder = join(root, 'dist/command');
const commands = (await readFile(join(root, command.headpool), 'utf8')).matchAll(
  /import\('(\.\/commands\/[^']+)'\)/g,
);
const others = [...commands].map(([, name]) => name).filter((name) => name !== './commands/run.js');

const commandOptions = {
  // For packages that aren't modules of ECMAScript.
  banner: {
    js: "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);",
  },
};

await rm(folder, { recursive: true, force: true });
// What `run` shares with no other command need not be cut into files, and it is the one that is started most often.
await bundle(command, join(folder, 'run'), { ...commandOptions, external: others });
await bundle(command, join(folder, 'all'), commandOptions);
await writeFile(
  join(folder, 'headpool.js'),
  "#!/usr/bin/env node\nawait import(process.argv[2] === 'run' ? './run/headpool.js' : './all/headpool.js');\n",
  { mode: 0o755 },
);

const library = join(root, 'dist/library');
await rm(library, { recursive: true, force: true });
// Not made small: hosts read their stacks, and bundle it with their own.
const { outputs } = await bundle({ index: 'src/index.ts' }, library, { minify: false });
await writeFile(join(library, 'index.cjs'), "module.exports = require('./index.js');\n");
await bundleTypes(join(root, 'dist/src/index.d.ts'), library, outputs['dist/library/index.js'].exports);

const workers = join(root, 'dist/workers');
const isBundle = (name) => /^worker.*\.js$/.test(name);
for (const name of (await readdir(workers)).filter(isBundle)) await rm(join(workers, name));
// Each thread loads it anew.
await bundle({ worker: 'workers/worker.ts' }, workers, { chunkNames: 'worker-[name]-[hash]' });
// The folder is copied beside bundles of hosts, whatever their modules are, and must be of the version of their library.
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
await writeFile(
  join(workers, 'package.json'),
  JSON.stringify({ name: 'headpool-workers', version, type: 'module' }),
);
