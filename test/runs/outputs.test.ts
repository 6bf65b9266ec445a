// The promise that output bytes depend on nothing but inputs and options: not on chunks, threads, or where a run stopped
// and went on.
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { RunRequest } from '../../src/runs/request.js';
import { verifyOutputs } from '../../src/runs/verify-outputs.js';
import { createRandom } from '../../src/core/tensor/random.js';
import { heads, openBench, requestFor, runBatch, smallWeights, type Bench } from '../helpers/batch-run.js';
import { layerOracle, worstError } from '../helpers/layer-oracle.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, readSequences, writeSequences } from '../helpers/sequence-files.js';

const benches: readonly (() => Bench)[] = [openBench(1), openBench(2), openBench(3)];

interface Shape {
  /** Name and lengths of each input. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly output: string;
  readonly others?: Partial<Parameters<typeof requestFor>[0]>;
  /** With keys of their own, as many sequences. */
  readonly hasKey?: boolean;
}

const ragged = [3, 0, 17, 1, 40, 8, 8, 0, 0, 25, 2, 9];
const equal = new Array<number>(11).fill(7);
const several = { 'a.npy': equal, 'b.jsonl': ragged, 'c.safetensors': [], 'd.arrow': ragged, 'e.npz': [1] };

const shapes: Readonly<Record<string, Shape>> = {
  'safetensors packed': { inputs: { 'x.safetensors': ragged }, output: 'y.safetensors' },
  'safetensors named': { inputs: { 'named.safetensors': ragged }, output: 'y.safetensors' },
  'npy stacked': { inputs: { 'x.npy': equal }, output: 'y.npy' },
  jsonl: { inputs: { 'x.jsonl': ragged }, output: 'y.jsonl' },
  arrow: { inputs: { 'x.arrow': ragged }, output: 'y.arrow' },
  'arrow of jsonl': { inputs: { 'x.jsonl': ragged }, output: 'y.arrow' },
  'several into one safetensors': { inputs: several, output: 'y.safetensors' },
  'several into one jsonl': { inputs: several, output: 'y.jsonl' },
  'several into one arrow': { inputs: several, output: 'y.arrow' },
  'several into a folder': { inputs: several, output: 'out/', others: { hasStatistics: true } },
  'causal with keys of their own': {
    inputs: { 'x.jsonl': ragged },
    output: 'y.safetensors',
    hasKey: true,
    others: { options: { causal: 'top-left' } },
  },
  'means in 16 bits, with statistics': {
    inputs: { 'x.jsonl': ragged },
    output: 'y.safetensors',
    others: { pool: 'mean', dtype: 'f16', hasStatistics: true },
  },
  'means of named sequences': {
    inputs: { 'named.safetensors': ragged },
    output: 'y.safetensors',
    others: { pool: 'mean', dtype: 'bf16' },
  },
  'last tokens in bfloat16': {
    inputs: several,
    output: 'y.safetensors',
    others: { pool: 'last', dtype: 'bf16' },
  },
  'first tokens in .npy': { inputs: { 'x.safetensors': ragged }, output: 'y.npy', others: { pool: 'first' } },
  '16 bits in arrow, with statistics': {
    inputs: { 'x.arrow': ragged },
    output: 'y.arrow',
    others: { dtype: 'f16', hasStatistics: true },
  },
  'statistics of named sequences, with options': {
    inputs: { 'named.safetensors': ragged },
    output: 'y.jsonl',
    others: { hasStatistics: true, options: { causal: true, window: { left: 9 }, rope: { base: 1e4 } } },
  },
};

/** Writes the inputs of a shape; runs made of it differ in nothing but their output's folder. */
async function prepare(t: ExecutionContext, { inputs, others, hasKey = false, output }: Shape) {
  const folder = await makeFolder(t);
  const paths: string[] = [];
  for (const [n, [name, lengths]] of Object.entries(inputs).entries()) {
    const isNamed = name.startsWith('named');
    const names = isNamed || name.startsWith('d') ? lengths.map((_, index) => `s${index}`) : undefined;
    const given = makeSequences(lengths, n, names && { names });
    const form = isNamed ? 'named' : name.endsWith('.npy') ? 'stacked' : 'packed';
    paths.push(await writeSequences(join(folder, name), given, { form }));
  }
  const lengths = inputs['x.jsonl']?.map((length, n) => (n === 3 ? 31 : length + 1)) ?? [];
  const key = hasKey
    ? await writeSequences(join(folder, 'k.safetensors'), makeSequences(lengths, 77))
    : undefined;
  return async (): Promise<{ request: RunRequest; where: string }> => {
    const where = await makeFolder(t);
    const request = await requestFor({ ...others, inputs: paths, key, output: join(where, output) });
    if (output.endsWith('/')) await mkdir(join(where, output));
    return { request, where: output.endsWith('/') ? join(where, output) : where };
  };
}

/** All files but the manifest, which holds times and paths. */
async function readAll(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).filter((name) => !name.endsWith('manifest')).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')));
  return Object.fromEntries(names.map((name, n) => [name, texts[n]!]));
}

for (const [name, shape] of Object.entries(shapes)) {
  test(`the bytes of ${name} depend on no chunk size, thread or interruption`, async (t) => {
    const begin = await prepare(t, shape);
    const random = createRandom(name.length);
    const whole = await begin();
    await runBatch(whole.request, { bench: benches[1]!(), limits: { mostTokens: 10_000 } });
    const wanted = await readAll(whole.where);
    t.true(Object.keys(wanted).length > 0);
    let allStops = 0;
    for (let turn = 0; turn < 5; turn++) {
      const { request, where } = await begin();
      const mostTokens = turn === 0 ? 1 : 1 + Math.floor(60 * random.uniform() ** 2);
      let stops = 0;
      // Some runs go through, the others stop and go on, perhaps several times, with other chunks and threads.
      for (; stops < 50; stops++) {
        const bench = benches[Math.floor(benches.length * random.uniform())]!();
        const limits = { mostTokens: mostTokens + stops };
        const stopAfter = turn === 1 ? 1e9 : 1 + Math.floor(4 * random.uniform());
        try {
          const earlier = stops === 0 ? 'refuse' : 'resume';
          const state = await runBatch(request, { bench, limits, stopAfter, earlier });
          await verifyOutputs(request, state);
          break;
        } catch (error) {
          if (!(error instanceof Error) || error.message !== 'stopped') throw error;
        }
      }
      allStops += stops;
      const found = await readAll(where);
      t.deepEqual(Object.keys(found), Object.keys(wanted));
      for (const [file, text] of Object.entries(wanted))
        t.true(found[file] === text, `${file} after ${stops} stops of ${mostTokens} tokens`);
    }
    t.true(allStops > 0);
  });
}

test('the bytes that do not depend are right: several inputs in one output, by the oracle', async (t) => {
  const begin = await prepare(t, shapes['several into one safetensors']!);
  const { request, where } = await begin();
  await runBatch(request, { bench: benches[1]!(), limits: { mostTokens: 20 } });
  const found = await readSequences(join(where, 'y.safetensors'));
  const given = await Promise.all(request.inputs.map(({ path }) => readSequences(path)));
  t.deepEqual(found.lengths, given.flatMap(({ lengths }) => lengths)); // prettier-ignore
  const rows = Float32Array.from(given.flatMap((each) => Array.from(each.rows)));
  const wanted = layerOracle({
    weights: smallWeights,
    heads,
    query: { width: 8, lengths: found.lengths, rows },
  });
  const worst = worstError(found.rows, wanted);
  t.true(worst < 1e-5, `off by ${worst}`);
  const names = given.flatMap(({ names: own, lengths }, input) => {
    return own ?? lengths.map((_, number) => `${request.inputs[input]!.path}#${number}`);
  });
  t.deepEqual(found.names, names);
});
