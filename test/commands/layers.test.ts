// `headpool layers` as a user meets it, and that `run` and `explain` take what it shows.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createEngine, loadLayer, type Engine, type LoadedLayer } from '../../src/index.js';
import type { Explanation } from '../../src/attention/explain-row.js';
import { openTensorFile } from '../../src/files/tensor-file.js';
import { assertSameBytes } from '../helpers/assertions.js';
import { writeModel, writeShards } from '../helpers/checkpoint-files.js';
import { headpool, run } from '../helpers/command.js';
import { makeFolder } from '../helpers/make-folder.js';
import { heads, layers, modelDim, modelNames, models, modelsFolder } from '../helpers/models.js';
import { normalTensor } from '../helpers/random.js';
import { npyOf } from '../helpers/sequence-files.js';

interface Listed {
  readonly files: readonly string[];
  readonly layers: readonly Readonly<Record<string, unknown>>[];
  readonly run: string | null;
}

async function list(t: ExecutionContext, path: string): Promise<Listed> {
  const { code, stdout, stderr } = await headpool('layers', path, '--json');
  t.is(code, 0, stderr);
  return JSON.parse(stdout) as Listed;
}

const x = normalTensor([19, modelDim], 7);

async function writeInput(folder: string): Promise<void> {
  await writeFile(join(folder, 'x.npy'), npyOf(x.shape, x.data));
}

async function readOutput(path: string): Promise<Float32Array> {
  const file = await openTensorFile(path);
  const { data } = await file.readTensor('array');
  await file.close();
  return data;
}

async function computeLayer(engine: Engine, { heads: count, kvHeads, weights, defaults }: LoadedLayer) {
  using layer = await engine.multiHeadAttention({ heads: count, kvHeads, weights, ...defaults });
  return (await layer.forward(x)).output.data;
}

for (const name of modelNames) {
  const path = join(modelsFolder, name);
  const { family, first } = models[name];

  test.serial(
    `the layers of ${name} are listed, and the line that runs one gives the bytes of the library`,
    async (t) => {
      const listed = await list(t, path);
      t.is(listed.layers.length, layers);
      t.like(listed.layers[0], {
        family,
        name: first,
        index: 0,
        heads,
        modelDim,
        outputDim: modelDim,
        problem: null,
      });
      t.deepEqual(listed.layers[0]!['dtypes'], ['F32']);
      t.deepEqual(listed.files, [join(path, 'model.safetensors'), join(path, 'config.json')]);
      t.is(listed.run, `headpool run -i x.safetensors --weights ${path} --layer 0 -o y.safetensors`);

      const folder = await makeFolder(t);
      await writeInput(folder);
      const [, ...args] = listed.run!.split(' ');
      const moved = args.map((arg) =>
        arg.replace(/^([xy])\.safetensors$/, (_, file: string) => join(folder, `${file}.npy`)),
      );
      const { code, stderr } = await headpool(...moved);
      t.is(code, 0, stderr);
      await using engine = await createEngine();
      const wanted = await computeLayer(engine, await loadLayer(path, { layer: 0 }));
      assertSameBytes(t, await readOutput(join(folder, 'y.npy')), wanted);
    },
  );
}

test.serial('people get a table, and the line', async (t) => {
  const { code, stdout } = await headpool('layers', join(modelsFolder, 'qwen3/model.safetensors'));
  t.is(code, 0);
  const [header, line, , last, blank, command] = stdout.split('\n');
  t.regex(header!, /layer +name +family +heads +kv heads +headDim +modelDim +dtype +options/);
  t.regex(
    line!,
    /0 +model\.layers\.0\.self_attn +qwen3 +6 +2 +12 +48 +F32 +causal, rope 10000, query\/key norms/,
  );
  t.regex(last!, /2 +model\.layers\.2\.self_attn/);
  t.is(blank, '');
  t.regex(
    command!,
    /^headpool run -i x\.safetensors --weights .*model\.safetensors --layer 0 -o y\.safetensors$/,
  );
});

test.serial('shards are one model, and a path with blanks is quoted for a shell', async (t) => {
  const folder = await writeShards(t, 'gpt2', 2);
  t.is((await list(t, folder)).files.length, 4);
  const other = `${folder} of Ann's`;
  await rename(folder, other);
  const { layers: found, run: line } = await list(t, other);
  t.is(found.length, layers);
  t.true(line!.includes(`--weights '${other.replace("'", String.raw`'\''`)}' --layer 0`), line!);
});

test.serial(
  'heads that the file does not tell are asked for, and two stacks are told apart by name',
  async (t) => {
    const rename = (name: string): string => name.replace('layers.1.', 'decoder.layers.0.');
    const folder = await writeModel(t, 'torch-encoder', { rename, config: null });
    const { layers: found, run: line } = await list(t, folder);
    t.deepEqual(
      found.map(({ name, index, heads: count }) => ({ name, index, count })),
      [
        { name: 'decoder.layers.0.self_attn', index: 0, count: null },
        { name: 'layers.0.self_attn', index: 0, count: null },
        { name: 'layers.2.self_attn', index: 2, count: null },
      ],
    );
    t.true(line!.endsWith(' --layer decoder.layers.0.self_attn --heads HEADS -o y.safetensors'), line!);
  },
);

test.serial('what can not be run is listed with the reason, and without a line to run it', async (t) => {
  const scaling = { rope_scaling: { rope_type: 'llama3', factor: 8 } };
  const folder = await writeModel(t, 'llama', { config: scaling });
  const { layers: found, run: line } = await list(t, folder);
  t.is(found.length, layers);
  t.regex(String(found[0]!['problem']), /`rope_scaling.rope_type`.*llama3/);
  t.is(line, null);
  const { stdout } = await headpool('layers', folder);
  t.is(stdout.match(/llama3/g)!.length, 1);
});

test.serial('a wrong guess is an error that shows what was found', async (t) => {
  const path = join(modelsFolder, 'bert/expected.safetensors');
  const { code, stderr } = await headpool('layers', path);
  t.is(code, 1);
  t.regex(
    stderr,
    /expected\.safetensors: expected the attention layers of a known family \(torch, bert.*`0\.hidden\.0`/,
  );
  const none = await headpool('layers');
  t.is(none.code, 2);
  t.regex(none.stderr, /`checkpoint`/);
});

test.serial('make-weights records heads and key/value heads, which run and explain then know', async (t) => {
  const folder = await makeFolder(t);
  await writeInput(folder);
  const made = [
    'make-weights',
    '--model-dim',
    '48',
    '--heads',
    '6',
    '--kv-heads',
    '2',
    '-o',
    'w.safetensors',
  ];
  t.is((await run(folder, made)).code, 0);
  const path = join(folder, 'w.safetensors');
  t.like((await list(t, path)).layers[0], { name: '', index: null, heads: 6, kvHeads: 2, headDim: 8 });

  const layer = ['--weights', 'w.safetensors'];
  const ran = await run(folder, ['run', '-i', 'x.npy', ...layer, '-o', 'y.npy']);
  t.is(ran.code, 0, ran.stderr);
  await using engine = await createEngine();
  assertSameBytes(
    t,
    await readOutput(join(folder, 'y.npy')),
    await computeLayer(engine, await loadLayer(path)),
  );

  const asked = ['explain', '-i', 'x.npy', ...layer, '--head', '5', '--query', '3', '--key', '2', '--json'];
  const explained = await run(folder, asked);
  t.is(explained.code, 0, explained.stderr);
  t.is((JSON.parse(explained.stdout) as Explanation).at.head, 5);

  for (const wrong of [
    ['--heads', '3'],
    ['--kv-heads', '6'],
  ]) {
    for (const command of [
      ['run', '-i', 'x.npy', ...layer, '-o', 'z.npy'],
      ['explain', '-i', 'x.npy', ...layer, '--head', '0', '--query', '0'],
    ]) {
      const { code, stderr } = await run(folder, [...command, ...wrong]);
      t.is(code, 2);
      t.regex(
        stderr,
        /Expected [62] for `(heads|kvHeads)` of w\.safetensors, by (its metadata|the shapes with 6 heads), got `[36]`/,
      );
    }
  }
});

test.serial('options that come with a layer can be said otherwise', async (t) => {
  const folder = await makeFolder(t);
  await writeInput(folder);
  const path = join(modelsFolder, 'mistral-window');
  const input = ['-i', join(folder, 'x.npy'), '--weights', path, '--layer', '1'];
  const changed = ['--causal', 'false', '--window-left', '3', '--window-right', '0', '--rope-base', '500'];
  const { code, stderr } = await headpool('run', ...input, ...changed, '-o', join(folder, 'y.npy'));
  t.is(code, 0, stderr);
  const loaded = await loadLayer(path, { layer: 1 });
  const defaults = { causal: false, window: { left: 3, right: 0 }, rope: { base: 500 } };
  await using engine = await createEngine();
  assertSameBytes(
    t,
    await readOutput(join(folder, 'y.npy')),
    await computeLayer(engine, { ...loaded, defaults }),
  );
});

test.serial('a dry run tells the layer and its options', async (t) => {
  const folder = await makeFolder(t);
  await writeInput(folder);
  const args = ['--weights', join(modelsFolder, 'mistral-window'), '--layer', '2', '--dry-run'];
  const { stdout } = await headpool('run', '-i', join(folder, 'x.npy'), ...args, '-o', join(folder, 'y.npy'));
  t.regex(stdout, /layer +mistral, model\.layers\.2\.self_attn, causal, window 4, rope 10000/);
  t.regex(stdout, /heads +6, 2 for keys and values/);
});

test.serial('keys of another length ask where the diagonal is, since the layer is causal', async (t) => {
  const folder = await makeFolder(t);
  await writeInput(folder);
  await writeFile(join(folder, 'kv.npy'), npyOf([5, modelDim], x.data.subarray(0, 5 * modelDim)));
  const args = ['--weights', join(modelsFolder, 'gpt2'), '--layer', '0', '--key', join(folder, 'kv.npy')];
  const { code, stderr } = await headpool(
    'run',
    '-i',
    join(folder, 'x.npy'),
    ...args,
    '-o',
    join(folder, 'y.npy'),
  );
  t.is(code, 2);
  t.regex(stderr, /`--alignment` top-left or bottom-right, which `--causal` needs/);
});

test.serial(
  'no file of the checkpoint is overwritten, and a configuration file says the layer as a number',
  async (t) => {
    const folder = await writeModel(t, 'gpt2');
    await writeInput(folder);
    const weights = join(folder, 'model.safetensors');
    const before = await readFile(weights);
    const yaml = join(folder, 'run.yaml');
    await writeFile(yaml, 'layer: 2\ninput: [x.npy]\nweights: .\n');
    const refused = await run(folder, ['run', '--config', yaml, '-o', 'model.safetensors']);
    t.is(refused.code, 2, refused.stderr);
    t.true((await readFile(weights)).equals(before));
    const { code, stderr } = await run(folder, ['run', '--config', yaml, '-o', 'y.npy']);
    t.is(code, 0, stderr);
    await using engine = await createEngine();
    const wanted = await computeLayer(engine, await loadLayer(folder, { layer: 2 }));
    assertSameBytes(t, await readOutput(join(folder, 'y.npy')), wanted);
  },
);
