// `headpool run` as a user meets it: real files in, real files out, exit codes, and nothing left behind.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { weightsFromTorch } from '../../src/checkpoints/torch.js';
import { formatNpyHeader } from '../../src/files/npy.js';
import { openSequences } from '../../src/files/sequences/formats.js';
import { readStateDict } from '../../src/files/state-dict.js';
import { openTensorFile } from '../../src/files/tensor-file.js';
import { createRandom } from '../../src/core/tensor/random.js';
import { multiHeadOracle } from '../oracle/oracle.js';
import { kernels } from '../helpers/engines.js';
import { headpool } from '../helpers/command.js';

const modelDim = 32;

const folders: string[] = [];

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'headpool-test-'));
  folders.push(path);
  return path;
}

test.after.always('removes its folders', async () => {
  for (const path of folders) await rm(path, { recursive: true });
});

// Made once, copied for each test.
let made: string;

test.before(async (t) => {
  made = await folder();
  const weights = ['make-weights', '--model-dim', '32', '--heads', '4', '--seed', '3'];
  const sequences = [
    'make-sequences',
    '--model-dim',
    '32',
    '--sequences',
    '9',
    '--max-length',
    '70',
    '--seed',
    '4',
  ];
  for (const args of [
    [...weights, '-o', join(made, 'w.safetensors')],
    [...sequences, '--min-length', '0', '-o', join(made, 'x.safetensors')],
  ]) {
    const { code, stderr } = await headpool(...args);
    t.is(code, 0, stderr);
  }
});

/** A folder with weights and a ragged file of sequences. */
async function prepare(): Promise<string> {
  const where = await folder();
  await cp(made, where, { recursive: true });
  return where;
}

async function writeNpy(path: string, shape: readonly number[], seed: number): Promise<void> {
  const random = createRandom(seed);
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
  await writeFile(path, Buffer.concat([formatNpyHeader('F32', shape), Buffer.from(data.buffer)]));
}

async function readAll(path: string) {
  const reader = await openSequences(path);
  const data = new Float32Array(new SharedArrayBuffer(reader.offsets.at(-1)! * reader.modelDim * 4));
  await reader.read(0, reader.count, data);
  await reader.close();
  const { offsets, modelDim: width } = reader;
  return { offsets, data, tensor: { shape: [data.length / width, width], data } };
}

/** Compares an output file with the float64 program on the same inputs. */
async function compareWithOracle(
  t: ExecutionContext,
  where: string,
  paths: { readonly query: string; readonly key?: string; readonly output: string },
  causal: boolean,
): Promise<void> {
  const weights = weightsFromTorch(await readStateDict(join(where, 'w.safetensors')));
  const query = await readAll(paths.query);
  const key = paths.key === undefined ? query : await readAll(paths.key);
  const output = await readAll(paths.output);
  t.is(output.data.length, query.data.length);
  const wanted = multiHeadOracle(
    weights,
    { query: query.tensor, key: key.tensor, value: key.tensor },
    {
      heads: 4,
      offsets: query.offsets,
      keyOffsets: key.offsets,
      ...(causal && { causalOffset: () => 0 }),
    },
  );
  let worst = 0;
  wanted.output.forEach((value, n) => (worst = Math.max(worst, Math.abs(value - output.data[n]!))));
  t.true(worst < 1e-5, `off by ${worst}`);
}

for (const kernel of kernels) {
  test.serial(`self-attention over a ragged .safetensors file, ${kernel}`, async (t) => {
    const where = await prepare();
    const [x, y] = [join(where, 'x.safetensors'), join(where, 'y.safetensors')];
    const { code, stdout, stderr } = await headpool(
      ...['run', '-i', x, '--weights', join(where, 'w.safetensors'), '--heads', '4', '-o', y],
      ...['--kernel', kernel, '--threads', '2', '--causal', '--batch-tokens', '100'],
    );
    t.is(code, 0, stderr);
    t.regex(stdout, /tokens\/s/);
    t.regex(stdout, new RegExp(`kernel +${kernel}`));
    await compareWithOracle(t, where, { query: x, output: y }, true);
    const file = await openTensorFile(y);
    t.regex(file.metadata.get('kernel') ?? '', new RegExp(`^${kernel}`));
    t.deepEqual(JSON.parse(file.metadata.get('configuration') ?? ''), {
      heads: 4,
      kvHeads: 4,
      headDim: 8,
      causal: true,
      scale: 1 / Math.sqrt(8),
    });
    await file.close();
  });

  test.serial(`cross-attention over .npy files, ${kernel}`, async (t) => {
    const where = await prepare();
    const [q, kv, y] = ['q.npy', 'kv.npy', 'y.npy'].map((name) => join(where, name)) as [
      string,
      string,
      string,
    ];
    await writeNpy(q, [3, 17, modelDim], 5);
    await writeNpy(kv, [3, 65, modelDim], 6);
    const { code, stderr, stdout } = await headpool(
      ...['run', '--input', q, '--key', kv, '--weights', join(where, 'w.safetensors'), '--heads', '4'],
      ...['--output', y, '--kernel', kernel, '--json'],
    );
    t.is(code, 0, stderr);
    const report = JSON.parse(stdout) as { kernel: string; tokens: number; outputs: string[] };
    t.like(report, { kernel, tokens: 51, outputs: [y] });
    await compareWithOracle(t, where, { query: q, key: kv, output: y }, false);
  });

  test.serial(`the output has the same bytes for any threads and any batches, ${kernel}`, async (t) => {
    const where = await prepare();
    const outputs = [];
    for (const [n, [threads, tokens]] of (
      [
        ['1', '1'],
        ['2', '64'],
        ['3', '16384'],
        ['8', '100'],
      ] as const
    ).entries()) {
      const y = join(where, `y${n}.safetensors`);
      const { code, stderr } = await headpool(
        ...[
          'run',
          ...good(where),
          '-o',
          y,
          '--kernel',
          kernel,
          '--threads',
          threads,
          '--batch-tokens',
          tokens,
        ],
      );
      t.is(code, 0, stderr);
      outputs.push(await readFile(y));
    }
    for (const output of outputs) t.true(output.equals(outputs[0]!));
  });
}

test.serial('several inputs are written into a folder under their own names', async (t) => {
  const where = await prepare();
  const inputs = [join(where, 'a.npy'), join(where, 'b.npy')];
  await writeNpy(inputs[0]!, [5, modelDim], 7);
  await writeNpy(inputs[1]!, [2, 6, modelDim], 8);
  const out = await folder();
  const { code, stderr } = await headpool(
    ...['run', '-i', ...inputs, '--weights', join(where, 'w.safetensors'), '--heads', '4', '-o', out],
  );
  t.is(code, 0, stderr);
  t.deepEqual((await readdir(out)).sort(), ['a.npy', 'b.npy', 'headpool.manifest']);
  await compareWithOracle(t, where, { query: inputs[1]!, output: join(out, 'b.npy') }, false);
});

test.serial('a dry run says what would be done and writes nothing', async (t) => {
  const where = await prepare();
  const args = ['run', ...good(where)];
  const text = await headpool(...args, '--dry-run');
  t.is(text.code, 0, text.stderr);
  for (const word of ['units', 'work', 'memory', 'chunks'])
    t.regex(text.stdout, new RegExp(`^${word} `, 'm'));
  const json = await headpool(...args, '--dry-run', '--json');
  const estimate = JSON.parse(json.stdout) as { flop: number; tokens: number; memoryBytes: number };
  t.true(estimate.flop > 8 * estimate.tokens * modelDim * modelDim);
  t.true(estimate.memoryBytes > 4 * estimate.tokens * modelDim * 6);
  t.deepEqual((await readdir(where)).sort(), ['w.safetensors', 'x.safetensors']);
});

interface Refusal {
  readonly args: (where: string) => string[];
  readonly code: number;
  readonly says: RegExp;
}

const good = (where: string) => [
  ...['-i', join(where, 'x.safetensors'), '--weights', join(where, 'w.safetensors'), '--heads', '4'],
  ...['-o', join(where, 'y.safetensors')],
];

const refusals: Readonly<Record<string, Refusal>> = {
  'an unknown option': {
    args: (w) => [...good(w), '--thread', '2'],
    code: 2,
    says: /`--thread`; did you mean `--threads`/,
  },
  'other heads than the file records': {
    args: (w) => [...good(w), '--heads', '8'],
    code: 2,
    says: /Expected 4 for `heads` of .*w\.safetensors, by its metadata, got `8`/,
  },
  'other key/value heads than the file records': {
    args: (w) => [...good(w), '--kv-heads', '2'],
    code: 2,
    says: /Expected 4 for `kvHeads`/,
  },
  'a surplus argument': { args: (w) => [...good(w), 'more'], code: 2, says: /more/ },
  'an input as output': {
    args: (w) => [...good(w), '-o', join(w, 'x.safetensors')],
    code: 2,
    says: /not read for `output`/,
  },
  'an unknown output format': {
    args: (w) => [...good(w), '-o', join(w, 'y.txt')],
    code: 2,
    says: /\.npy.*y\.txt/,
  },
  'ragged lengths in .npy': {
    args: (w) => [...good(w), '-o', join(w, 'y.npy')],
    code: 2,
    says: /equal|same length/,
  },
  'a missing input': {
    args: (w) => [...good(w), '-i', join(w, 'no.npy')],
    code: 1,
    says: /no\.npy: could not open/,
  },
  'missing weights': {
    args: (w) => [...good(w), '--weights', join(w, 'no.safetensors')],
    code: 1,
    says: /no\.safetensors/,
  },
  'sequences as weights': {
    args: (w) => [...good(w), '--weights', join(w, 'x.safetensors')],
    code: 1,
    says: /attention layers of a known family \(.*\), got `x`, `offsets`/,
  },
  'weights as sequences': {
    args: (w) => [...good(w), '-i', join(w, 'w.safetensors')],
    code: 1,
    says: /w\.safetensors/,
  },
  'a folder below a file': {
    args: (w) => [...good(w), '-o', join(w, 'x.safetensors', 'y.safetensors')],
    code: 1,
    says: /x\.safetensors: could not create the folder: /,
  },
};

for (const [name, { args, code, says }] of Object.entries(refusals)) {
  test.serial(`${name} is refused with exit code ${code} and leaves nothing behind`, async (t) => {
    const where = await prepare();
    const result = await headpool('run', ...args(where));
    t.is(result.code, code, result.stderr);
    t.regex(result.stderr, says);
    t.is(result.stderr.trim().split('\n').length, 1, 'one error, one line');
    t.is(result.stdout, '');
    t.deepEqual((await readdir(where)).sort(), ['w.safetensors', 'x.safetensors']);
  });
}

test.serial('an existing output stays as it was when a run fails', async (t) => {
  const where = await prepare();
  const y = join(where, 'y.safetensors');
  await writeFile(y, 'precious');
  const x = await readFile(join(where, 'x.safetensors'));
  await writeFile(join(where, 'x.safetensors'), x.subarray(0, x.length - 4));
  const { code } = await headpool('run', ...good(where));
  t.is(code, 1);
  t.is(await readFile(y, 'utf8'), 'precious');
});

test.serial(
  'help names every setting, info names the kernel, and an unknown command suggests one',
  async (t) => {
    const help = await headpool('run', '--help');
    for (const flag of ['--input', '--batch-tokens', '--dry-run', '--config', '--json'])
      t.true(help.stdout.includes(flag));
    const info = await headpool('info', '--json');
    t.like(JSON.parse(info.stdout), { kernel: kernels[0]! });
    const typo = await headpool('rnu');
    t.is(typo.code, 2);
    t.regex(typo.stderr, /run/);
    t.is((await headpool()).code, 2);
    const alone = await headpool('run', '--scale');
    t.is(alone.code, 2);
    t.regex(alone.stderr, /^headpool: .*scale/m);
    t.notRegex(alone.stderr, /\n\s+at /, 'no stack');
  },
);
