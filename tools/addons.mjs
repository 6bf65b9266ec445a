// What the two addons are made of: the kernels, one object for each instruction set of the architecture and the binding;
// and the advice about a file's pages. Each function tells the path of its addon, or undefined where it could not be
// built, having said why.
import { fileURLToPath } from 'node:url';
import { include_dir as nodeApiHeaders } from 'node-api-headers';
import { architectures, compile, compileSet, haveSet, linkAddon } from './toolchain.mjs';

const root = new URL('../', import.meta.url);
const pathTo = (place) => fileURLToPath(new URL(place, root));
const withNodeApi = `-I${nodeApiHeaders}`;

export async function buildKernels(compiler) {
  const folder = 'workers/kernels/native/';
  const operations = pathTo(`${folder}operations.cc`);
  const sets = await Promise.all(
    Object.keys(architectures[compiler.target.arch]).map((name) =>
      compileSet(compiler, name, operations, []),
    ),
  );
  const built = sets.filter(({ state }) => state === 'built');
  const flags = [withNodeApi, ...built.map(({ name }) => haveSet(name))];
  const binding = await compile(compiler, 'binding', pathTo(`${folder}binding.cc`), flags);
  return link(compiler, [...sets, binding], folder);
}

/** For systems that take such advice. */
export async function buildPageCache(compiler) {
  const folder = 'src/files/page-cache/';
  const object = await compile(compiler, 'page-cache', pathTo(`${folder}page-cache.cc`), [withNodeApi]);
  return link(compiler, [object], folder);
}

export function hasPageCache({ platform }) {
  return platform === 'linux';
}

/** Links what was built, and nothing where anything failed. */
function link(compiler, outcomes, folder) {
  for (const { output } of outcomes) process.stderr.write(output);
  if (outcomes.some(({ state }) => state === 'failed')) {
    console.error(`headpool: ${folder} could not be compiled by ${compiler.command.join(' ')}`);
    return undefined;
  }
  const objects = outcomes.flatMap(({ state, object }) => (state === 'built' ? [object] : []));
  return linkAddon(compiler, objects, pathTo(`dist/${folder}`));
}
