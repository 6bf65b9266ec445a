// Inputs that are damaged, at their beginning or in the middle, and sequences for which there is no room.
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ChunkSource, isDamage, type Chunk, type Failure } from '../../src/runs/chunks.js';
import type { RunRequest } from '../../src/runs/request.js';
import { expected, fileFailed, HeadpoolError } from '../../src/core/errors.js';
import { assertRefused } from '../helpers/assertions.js';
import { requestFor } from '../helpers/batch-run.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';

async function inputsOf(t: ExecutionContext, count: number, extension: string) {
  const folder = await makeFolder(t);
  const inputs = Array.from({ length: count }, (_, n) => join(folder, `${n}.${extension}`));
  for (const [n, path] of inputs.entries()) await writeSequences(path, makeSequences([2, 3, 4], n));
  return { inputs, output: join(folder, 'y.safetensors') };
}

const limits = { mostTokens: 100, mostSequenceTokens: 50 };

async function readAll(request: RunRequest, most = limits) {
  const source = new ChunkSource(
    request,
    most,
    request.inputs.map(() => ({})),
  );
  const chunks: Chunk[] = [];
  try {
    for (let chunk; (chunk = await source.next()) !== undefined;) chunks.push(chunk);
  } finally {
    await source.close();
  }
  const portions = chunks.flatMap((chunk) => chunk.portions);
  const lengths = request.inputs.map((_, input) =>
    portions
      .filter((portion) => portion.input === input)
      .flatMap(({ spans }) => spans.flatMap(({ query }) => query.lengths)),
  );
  const failures: Failure[] = portions.flatMap((portion) => portion.failures);
  return { portions, lengths, failures };
}

test('a file that can not be opened ends a run, naming it', async (t) => {
  const { inputs, output } = await inputsOf(t, 3, 'safetensors');
  await truncate(inputs[1]!, 20);
  const request = await requestFor({ inputs, output });
  await assertRefused(t, () => readAll(request), { code: 'INVALID_FILE', path: inputs[1]!, what: 'got' });
});

test('a file that can not be opened is left out of a skipping run, and those around it are not', async (t) => {
  const { inputs, output } = await inputsOf(t, 3, 'safetensors');
  await truncate(inputs[1]!, 20);
  const request = await requestFor({ inputs, output, onError: 'skip' });
  const { lengths, failures, portions } = await readAll(request);
  t.deepEqual(lengths, [[2, 3, 4], [], [2, 3, 4]]); // prettier-ignore
  t.is(failures.length, 1);
  t.is(failures[0]!.input, 1);
  t.false('sequence' in failures[0]!);
  t.true(failures[0]!.message.startsWith(inputs[1]!), failures[0]!.message);
  t.is(portions[1]!.form, undefined);
  t.true(portions[1]!.isEnded);
});

test('a missing file is damage too', async (t) => {
  const { inputs, output } = await inputsOf(t, 1, 'npy').catch(() => inputsOf(t, 1, 'jsonl'));
  const missing = join(output, '..', 'missing.npy');
  const request = await requestFor({ inputs: [missing, ...inputs], output, onError: 'skip' });
  const { lengths, failures } = await readAll(request);
  t.deepEqual(lengths, [[], [2, 3, 4]]); // prettier-ignore
  t.regex(failures[0]!.message, /missing\.npy: could not open/);
});

/** A line of jsonl in the middle becomes nonsense. */
async function damageLine(path: string, line: number): Promise<void> {
  const lines = (await readFile(path, 'utf8')).split('\n');
  lines[line] = '{"x": [[1]]}';
  await writeFile(path, lines.join('\n'));
}

test('a damaged line ends a run, naming file, line and column', async (t) => {
  const { inputs, output } = await inputsOf(t, 1, 'jsonl');
  await damageLine(inputs[0]!, 1);
  const request = await requestFor({ inputs, output });
  await assertRefused(t, () => readAll(request), { code: 'INVALID_FILE', path: inputs[0]!, what: 'line 2' });
});

test('a damaged line is left out of a skipping run, with its number, and those after it are not', async (t) => {
  const { inputs, output } = await inputsOf(t, 2, 'jsonl');
  await damageLine(inputs[0]!, 1);
  await damageLine(inputs[1]!, 0);
  await damageLine(inputs[1]!, 2);
  const request = await requestFor({ inputs, output, onError: 'skip' });
  for (const mostTokens of [1, 5, 100]) {
    const { lengths, failures, portions } = await readAll(request, { ...limits, mostTokens });
    t.deepEqual(lengths, [[2, 4], [3]]); // prettier-ignore
    t.deepEqual(failures.map(({ input, sequence }) => [input, sequence]), [[0, 1], [1, 0], [1, 2]]); // prettier-ignore
    const ends = [0, 1].map((input) => portions.findLast((portion) => portion.input === input)?.end.sequence);
    t.deepEqual(ends, [3, 3]);
  }
});

test('an Arrow file cut in the middle keeps what came before', async (t) => {
  const { inputs, output } = await inputsOf(t, 2, 'arrow');
  const bytes = await readFile(inputs[0]!);
  await writeFile(inputs[0]!, bytes.subarray(0, bytes.length - 100));
  const skipping = await requestFor({ inputs, output, onError: 'skip' });
  const { lengths, failures } = await readAll(skipping);
  t.deepEqual(lengths[1], [2, 3, 4]);
  t.is(failures.length, 1);
  t.true(failures[0]!.message.startsWith(inputs[0]!));
  const stopping = await requestFor({ inputs, output });
  await assertRefused(t, () => readAll(stopping), {
    code: 'INVALID_FILE',
    path: inputs[0]!,
    what: 'expected',
  });
});

test('keys that are too few are damage of the input, found before it is read', async (t) => {
  const { inputs, output } = await inputsOf(t, 2, 'safetensors');
  const key = await writeSequences(join(output, '..', 'k.safetensors'), makeSequences([1, 1], 5));
  const request = await requestFor({ inputs, output, key });
  const what = `expected 3 sequences, as ${inputs[0]!} has, got 2`;
  await assertRefused(t, () => readAll(request), { code: 'INVALID_SHAPE', path: key, what });
  const { failures, lengths } = await readAll({ ...request, onError: 'skip' });
  t.is(failures.length, 2);
  t.deepEqual(lengths, [[], []]);
});

for (const extension of ['safetensors', 'jsonl', 'arrow', 'parquet']) {
  const most = { mostTokens: 3, mostSequenceTokens: 3 };

  test(`a .${extension} sequence for which there is no memory ends a run, naming it`, async (t) => {
    const { inputs, output } = await inputsOf(t, 1, extension);
    const what = 'at most 3 tokens, which the memory allowed has room for, in sequence 2, got 4';
    await assertRefused(t, async () => readAll(await requestFor({ inputs, output }), most), {
      code: 'MEMORY_LIMIT',
      path: inputs[0]!,
      what,
    });
  });

  test(`a .${extension} sequence for which there is no memory is left out of a skipping run`, async (t) => {
    const { inputs, output } = await inputsOf(t, 2, extension);
    const request = await requestFor({ inputs, output, onError: 'skip' });
    const { lengths, failures } = await readAll(request, most);
    t.deepEqual(lengths, [[2, 3], [2, 3]]); // prettier-ignore
    t.deepEqual(failures.map(({ input, sequence }) => [input, sequence]), [[0, 2], [1, 2]]); // prettier-ignore
  });
}

test('keys for which there is no memory are found like queries', async (t) => {
  const { inputs, output } = await inputsOf(t, 1, 'safetensors');
  const key = await writeSequences(join(output, '..', 'k.safetensors'), makeSequences([1, 99, 1], 5));
  await assertRefused(t, async () => readAll(await requestFor({ inputs, output, key })), {
    code: 'MEMORY_LIMIT',
    path: inputs[0]!,
    what: 'sequence 1, got 99',
  });
});

test('only what is wrong with data is damage', (t) => {
  t.true(isDamage(fileFailed('x', 'read', new Error('no'))));
  t.true(isDamage(expected('INVALID_SHAPE', 'a', 'b', 1)));
  t.true(isDamage(new HeadpoolError('MEMORY_LIMIT', 'too long')));
  t.false(isDamage(expected('INVALID_OPTION', 'a', 'b', 1)));
  t.false(isDamage(new HeadpoolError('WORKER_LOST', 'gone')));
  t.false(isDamage(new Error('a bug')));
});
