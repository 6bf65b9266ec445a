// `headpool explain` as a user meets it: the tables, the JSON, and what wrong arguments are answered.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Explanation } from '../../src/attention/explain-row.js';
import { formatNpyHeader } from '../../src/files/npy.js';
import { createEngine, createXavierWeights, weightsToTorch, writeStateDict } from '../../src/index.js';
import type { AttentionOptions } from '../../src/index.js';
import { createTensor, type Tensor } from '../../src/core/tensor/tensor.js';
import { normalTensor } from '../helpers/random.js';
import { headpool } from '../helpers/command.js';

const weights = createXavierWeights({ modelDim: 32, heads: 4, seed: 3 });
const x = normalTensor([3, 20, 32], 4); // three sequences
const kv = normalTensor([3, 12, 32], 5);

let where: string;

test.before('writes the files', async () => {
  where = await mkdtemp(join(tmpdir(), 'headpool-test-'));
  const tensors = [...weightsToTorch(weights)].map(
    ([name, { shape, data }]) => [name, createTensor(shape, data)] as const,
  );
  await writeStateDict(join(where, 'w.safetensors'), new Map(tensors));
  for (const [name, { shape, data }] of Object.entries({ x, kv, narrow: normalTensor([3, 2, 8], 6) })) {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    await writeFile(join(where, `${name}.npy`), Buffer.concat([formatNpyHeader('F32', shape), bytes]));
  }
});

test.after.always('removes the files', async () => {
  await rm(where, { recursive: true, force: true });
});

/** `headpool explain` over head 1, query 5 of sequence 2, with further arguments. */
function explain(...args: string[]) {
  const files = ['-i', join(where, 'x.npy'), '--weights', join(where, 'w.safetensors'), '--heads', '4'];
  return headpool('explain', ...files, '--sequence', '2', '--head', '1', '--query', '5', ...args);
}

/** The weights of that row as an engine returns them. */
async function rowOf(options: AttentionOptions, keys?: Tensor): Promise<Float32Array> {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  using layer = await engine.multiHeadAttention({ heads: 4, weights });
  const input = keys === undefined ? x : { query: x, key: keys };
  const { weights: all } = await layer.forward(input, { ...options, returnWeights: true });
  const columns = all!.shape.at(-1)!;
  const row = (2 * 4 + 1) * 20 + 5;
  return all!.data.subarray(row * columns, (row + 1) * columns);
}

function assertNear(t: ExecutionContext, actual: number, wanted: number): void {
  t.true(Math.abs(actual - wanted) < 2e-6, `${actual} instead of ${wanted}`);
}

test('one key as an object', async (t) => {
  const { code, stdout, stderr } = await explain('--key', '3', '--causal', '--json');
  t.is(code, 0, stderr);
  t.is(stderr, '');
  const explanation = JSON.parse(stdout) as Explanation;
  t.deepEqual(explanation.at, { batch: 2, head: 1, kvHead: 1, query: 5, position: 5, key: 3 });
  t.true(explanation.allowed);
  assertNear(t, explanation.probability, (await rowOf({ causal: true }))[3]!);
});

test('one key as a table, in the order of the computation', async (t) => {
  const { code, stdout, stderr } = await explain('--key', '3', '--scale', '0.25');
  t.is(code, 0, stderr);
  const [place, chain] = stdout.split('\n\n');
  t.deepEqual(place!.split('\n'), [
    `sequence  2 of ${join(where, 'x.npy')}`,
    'head      1',
    'query     5',
    'key       3',
  ]);
  const lines = chain!.trimEnd().split('\n');
  const names = ['q·k', 'scale', 'scaled', 'softcapped', 'alibi', 'bias', 'score', 'maximum', 'log-sum-exp'];
  t.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    [...names, 'weight'],
  );
  t.regex(lines[1]!, /^scale +0\.250000$/);
  const [, weight, rank] = /^weight +(\S+) {2}rank (\d+) of 20$/.exec(lines.at(-1)!)!;
  const row = await rowOf({ scale: 0.25 });
  assertNear(t, Number(weight), row[3]!);
  t.is(Number(rank), 1 + row.filter((other) => other > row[3]!).length);
});

test('a key left out says why', async (t) => {
  const { code, stdout, stderr } = await explain('--key', '9', '--causal');
  t.is(code, 0, stderr);
  t.regex(stdout, /^score +\S+\nleft out +causal: key 9 comes after position 5\nmaximum/m);
  t.regex(stdout, /^weight +0\.000000$/m);
});

test('without a key the ten with the largest weights are listed', async (t) => {
  const row = await rowOf({});
  const wanted = [...row.keys()].sort((a, b) => row[b]! - row[a]!).slice(0, 10);
  const { code, stdout, stderr } = await explain();
  t.is(code, 0, stderr);
  const [place, sums, table] = stdout.split('\n\n').map((part) => part.trimEnd().split('\n'));
  t.is(place!.at(-1), 'keys      20 attended, 0 left out');
  t.regex(sums!.join(), /^maximum +\S+,log-sum-exp +\S+$/);
  t.deepEqual(table![0]!.trim().split(/ +/), [
    ...['rank', 'key', 'q·k', 'scaled', 'softcapped', 'alibi', 'bias', 'score', 'weight'],
  ]);
  const cells = table!.slice(1).map((line) => line.trim().split(/ +/).map(Number));
  t.deepEqual(
    cells.map(([rank, key]) => [rank, key]),
    wanted.map((key, n) => [n + 1, key]),
  );
  for (const [n, line] of cells.entries()) assertNear(t, line.at(-1)!, row[wanted[n]!]!);

  const report = JSON.parse((await explain('--json', '--causal')).stdout) as {
    keys: Explanation[];
    attended: number;
    leftOut: number;
  };
  t.like(report, { attended: 6, leftOut: 14, at: { batch: 2, head: 1, query: 5 } });
  t.deepEqual(
    report.keys.map(({ rank }) => rank),
    [1, 2, 3, 4, 5, 6],
  );
});

test('cross-attention reads the keys from their own file', async (t) => {
  const given = ['--key-input', join(where, 'kv.npy'), '--causal', 'bottom-right'];
  const outside = await explain(...given, '--key', '12');
  t.is(outside.code, 2);
  t.regex(outside.stderr, /from 0 to 11 for `key`/);

  // 20 queries on 12 keys: query 5 stands at position -3 and attends nothing.
  const { code, stdout, stderr } = await explain(...given);
  t.is(code, 0, stderr);
  t.regex(stdout, /^query +5, at position -3\nkeys +0 attended, 12 left out\n\nmaximum +-Infinity$/m);
  t.like(JSON.parse((await explain(...given, '--key', '0', '--json')).stdout), {
    allowed: false,
    reason: 'causal',
    probability: 0,
    maximum: '-Infinity',
    logSumExp: '-Infinity',
  });
  const { probability } = JSON.parse(
    (await explain(...given.slice(0, 2), '--key', '7', '--json')).stdout,
  ) as Explanation;
  assertNear(t, probability, (await rowOf({}, kv))[7]!);
});

test('settings come from a file too, and the extra key of zeros is one to ask for', async (t) => {
  const config = join(where, 'explain.yaml');
  const lines = ['sequence: 1', 'addZeroAttention: true', 'causal: top-left', 'key: 20'];
  await writeFile(config, lines.join('\n'));
  const { code, stdout, stderr } = await explain('--config', config, '--json');
  t.is(code, 0, stderr);
  t.like(JSON.parse(stdout), { at: { batch: 2, key: 20 }, allowed: true, steps: { dot: 0 } });
});

const refuses = test.macro({
  title: (title) => `${title} is refused`,
  exec: async (t: ExecutionContext, args: readonly string[], code: number, says: RegExp) => {
    const result = await explain(...args);
    t.is(result.code, code, result.stderr);
    t.regex(result.stderr, says);
    t.is(result.stderr.trim().split('\n').length, 1, 'one error, one line');
    t.is(result.stdout, '');
  },
});

test('a head that is not there', refuses, ['--head', '4'], 2, /from 0 to 3 for `head`, got `4`/);
test('a query that is not there', refuses, ['--query', '20'], 2, /from 0 to 19 for `query`, got `20`/);
test('a key that is not there', refuses, ['--key', '20'], 2, /from 0 to 19 for `key`, got `20`/);
test(
  'a sequence that is not there',
  refuses,
  ['--sequence', '3'],
  2,
  /one of the 3 sequences of .*`sequence`/,
);
test(
  'a file for the index of a key',
  refuses,
  ['--key', 'kv.npy'],
  2,
  /integer >= 0 for `--key`, got "?`"kv/,
);
test('a negative query', refuses, ['--query', '-1'], 2, /an integer >= 0 for `--query`, got `-1`/);
test('heads that do not divide', refuses, ['--heads', '5'], 2, /heads 5 and width 32/);
test('an unknown option', refuses, ['--causl'], 2, /`--causl`; did you mean `--causal`/);
test('an option of run', refuses, ['--threads', '2'], 2, /Unknown option `--threads`/);
test('a missing input', refuses, ['-i', 'no.npy'], 1, /no\.npy: could not open/);
test('missing weights', refuses, ['--weights', 'no.safetensors'], 1, /no\.safetensors: could not open/);

test('an input of another width is refused, and so is no query', async (t) => {
  const narrow = await explain('--key-input', join(where, 'narrow.npy'));
  t.is(narrow.code, 1);
  t.regex(narrow.stderr, /narrow\.npy: expected modelDim 32, as the key weights have, got 8/);
  const files = ['-i', join(where, 'x.npy'), '--weights', join(where, 'w.safetensors'), '--heads', '4'];
  const incomplete = await headpool('explain', ...files, '--head', '0');
  t.is(incomplete.code, 2);
  t.regex(incomplete.stderr, /Expected `--query`: which token/);
});

test('help names every setting', async (t) => {
  const { code, stdout } = await headpool('explain', '--help');
  t.is(code, 0);
  for (const flag of [
    '--input',
    '--key-input',
    '--sequence',
    '--head',
    '--query',
    '--key',
    '--causal',
    '--json',
  ])
    t.true(stdout.includes(flag), flag);
});
