// Programs that were put into one file with the library in it, as servers are: they compute the same, and where they don't
// find the workers they say what is missing. docs/bundling.md tells how.
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { build, type Format } from 'esbuild';
import { createEngine, type Tensor } from '../../src/index.js';
import { execute, installPacked, linkPackage } from '../helpers/packed.js';
import { normalTensor } from '../helpers/random.js';

const { program, folder } = await installPacked();

const input = normalTensor([1, 2, 70, 8], 1);

/**
 * Computes by the best kernel of the processor and by WebAssembly, and takes the result through a file; listens to its own
 * calls meanwhile.
 */
const source = `
import { subscribe } from 'node:diagnostics_channel';
import { createEngine, readStateDict, writeStateDict } from 'headpool';
async function main([workerUrl, file]) {
  const x = { shape: ${JSON.stringify(input.shape)}, data: new Float32Array(${JSON.stringify([...input.data])}) };
  const numbers = {};
  const told = [];
  subscribe('tracing:headpool:attention:asyncEnd', ({ tokens }) => told.push(tokens));
  for (const kernel of ['auto', 'wasm']) {
    const engine = await createEngine({ kernel, threads: 2, ...(workerUrl && { workerUrl }) });
    const { output } = await engine.attention({ q: x, k: x, v: x, causal: true });
    await writeStateDict(file, new Map([['y', output]]));
    numbers[kernel] = [...(await readStateDict(file)).get('y').data];
    await engine.close({ timeoutMs: 1000 });
  }
  console.log(JSON.stringify({ ...numbers, told }));
}
main(process.argv.slice(2)).catch(({ code, message }) => console.log(JSON.stringify({ code, message })));
`;

interface Bundled {
  readonly where: string;
  readonly file: string;
}

/** In a folder that has piscina, but not the library. */
async function bundle(name: string, format: Format, external: readonly string[]): Promise<Bundled> {
  const where = join(program, 'bundled', name);
  await mkdir(where, { recursive: true });
  await linkPackage(where, 'piscina');
  await writeFile(join(where, 'package.json'), '{ "type": "commonjs" }');
  // Of its own: bundles are made side by side.
  const entryPoint = join(where, 'program.js');
  await writeFile(entryPoint, source);
  const file = join(where, format === 'esm' ? 'server.mjs' : 'server.cjs');
  await build({
    entryPoints: [entryPoint],
    outfile: file,
    bundle: true,
    format,
    platform: 'node',
    target: 'node20',
    minify: true,
    external: [...external],
    logLevel: 'silent',
  });
  return { where, file };
}

async function runBundle({ where, file }: Bundled, workerUrl: string): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await execute(process.execPath, [file, workerUrl, join(where, 'y.safetensors')]);
  if (stderr !== '') throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function computeHere(kernel: 'auto' | 'wasm'): Promise<number[]> {
  await using engine = await createEngine({ kernel, threads: 2 });
  const { output }: { readonly output: Tensor } = await engine.attention({
    q: input,
    k: input,
    v: input,
    causal: true,
  });
  return [...output.data];
}

const expectation = async () => ({
  auto: await computeHere('auto'),
  wasm: await computeHere('wasm'),
  told: [70, 70],
});

for (const format of ['esm', 'cjs'] as const) {
  test(`a bundle (${format}) with the library in it computes by workers that were copied`, async (t) => {
    const bundled = await bundle(`copied-${format}`, format, ['piscina']);
    const workers = join(bundled.where, 'workers');
    await cp(join(folder, 'dist/workers'), workers, { recursive: true });
    const workerUrl = pathToFileURL(join(workers, 'worker.js')).href;
    t.deepEqual(await runBundle(bundled, workerUrl), await expectation());
  });

  test(`a bundle (${format}) that leaves the library outside needs nothing more`, async (t) => {
    const bundled = await bundle(`outside-${format}`, format, ['headpool']);
    t.deepEqual(await runBundle(bundled, ''), await expectation());
  });

  test(`a bundle (${format}) without workers says what it needs`, async (t) => {
    const { code, message } = await runBundle(await bundle(`alone-${format}`, format, ['piscina']), '');
    t.is(code, 'WORKER_START');
    t.regex(
      String(message),
      /the option `workerUrl` has to say where headpool's dist\/workers\/worker\.js is/,
    );
  });
}

test('a bundle with piscina in it says that it has to stay outside', async (t) => {
  const { code, message } = await runBundle(
    await bundle('swallowed', 'cjs', []),
    join(folder, 'dist/workers/worker.js'),
  );
  t.is(code, 'WORKER_START');
  t.regex(String(message), /has to leave piscina outside/);
});
