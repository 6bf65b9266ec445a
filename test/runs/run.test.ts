// One run from its inputs to its outputs: what it tells, what it tries again, and what it leaves when it fails.
import { appendFile, chmod, mkdir, readdir, readFile, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import type { RunProgress } from '../../src/runs/run.js';
import { HeadpoolError } from '../../src/core/errors.js';
import { assertRefused } from '../helpers/assertions.js';
import { heads, openBench, requestFor, runBatch, smallWeights, withForward } from '../helpers/batch-run.js';
import { layerOracle, worstError } from '../helpers/layer-oracle.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, readSequences, writeSequences } from '../helpers/sequence-files.js';
import { testAsUser } from '../helpers/skips.js';

const bench = openBench();
const lengths = [30, 5, 40, 0, 12, 33, 9];
const given = makeSequences(lengths, 1);

async function prepare(t: ExecutionContext) {
  const folder = await makeFolder(t);
  const x = await writeSequences(join(folder, 'x.safetensors'), given);
  const y = join(folder, 'y.safetensors');
  const request = await requestFor({ inputs: [x], output: y });
  const list = async () => (await readdir(folder)).filter((name) => !name.startsWith('x.')).sort();
  return { folder, x, y, request, list };
}

async function isRight(t: ExecutionContext, path: string): Promise<void> {
  const found = await readSequences(path);
  t.deepEqual(found.lengths, lengths);
  const worst = worstError(found.rows, layerOracle({ weights: smallWeights, heads, query: given }));
  t.true(worst < 1e-5, `off by ${worst}`);
}

test('progress adds up to all sequences and tokens, input by input', async (t) => {
  const { request, y } = await prepare(t);
  const told: RunProgress[] = [];
  const state = await runBatch(request, { bench: bench(), onProgress: (progress) => told.push(progress) });
  t.is(told.reduce((sum, { sequences }) => sum + sequences, 0), lengths.length); // prettier-ignore
  t.is(told.reduce((sum, { tokens }) => sum + tokens, 0), given.rows.length / 8); // prettier-ignore
  t.true(told.length > 2 && told.every(({ input, failures }) => input === 0 && failures.length === 0));
  const shares = told.map(({ share }) => share!);
  t.deepEqual(
    shares,
    shares.toSorted((a, b) => a - b),
  );
  t.is(shares.at(-1), 1);
  t.like(state, { sequences: lengths.length, isComplete: true });
  await isRight(t, y);
});

/** A layer whose calls number `failing` fail; others compute. */
function failing(calls: readonly number[], error: Error) {
  let call = 0;
  const { layer } = bench();
  return withForward(layer, (input, options) =>
    calls.includes(++call) ? Promise.reject(error) : layer.forward(input, options),
  );
}

const lost = new HeadpoolError('WORKER_LOST', 'a worker ended');

for (const calls of [[1], [2], [1, 2], [1, 3, 5]]) {
  test(`a chunk whose worker was lost is computed again, at calls ${calls.join(', ')}`, async (t) => {
    const { request, y, list } = await prepare(t);
    const told: unknown[] = [];
    const layer = failing(calls, lost);
    await runBatch(request, { bench: bench(), layer, onRetry: (error) => told.push(error) });
    t.deepEqual(told, new Array(calls.length).fill(lost));
    await isRight(t, y);
    t.deepEqual(await list(), ['y.safetensors', 'y.safetensors.manifest']);
  });
}

test('a chunk that lost its worker three times ends the run, which can be resumed', async (t) => {
  const { request, y, list } = await prepare(t);
  // Of the second chunk: the first has two parts, a call each.
  const layer = failing([3, 4, 5], lost);
  await assertRefused(t, () => runBatch(request, { bench: bench(), layer }), {
    code: 'WORKER_LOST',
    what: 'ended',
  });
  t.deepEqual(await list(), ['y.safetensors.manifest', 'y.safetensors.partial']);
  const told: RunProgress[] = [];
  const hooks = { onProgress: (progress: RunProgress) => told.push(progress) };
  const state = await runBatch(request, { bench: bench(), earlier: 'resume', ...hooks });
  await isRight(t, y);
  t.true(told.reduce((sum, { sequences }) => sum + sequences, 0) < state.sequences);
});

for (const [name, error] of Object.entries({
  'an error of ours': new HeadpoolError('UNIT_FAILED', 'it threw'),
  'an error of no code': new TypeError('a bug'),
})) {
  test(`${name} is not tried again: the work before it stays`, async (t) => {
    const { request, list } = await prepare(t);
    const retries: unknown[] = [];
    const parts = { bench: bench(), layer: failing([3], error), onRetry: () => retries.push(1) };
    t.is(await t.throwsAsync(runBatch(request, parts)), error);
    t.deepEqual(retries, []);
    t.deepEqual(await list(), ['y.safetensors.manifest', 'y.safetensors.partial']);
    await assertRefused(t, () => runBatch(request, { bench: bench() }), {
      code: 'INVALID_OPTION',
      path: request.manifestPath!,
      what: '`--resume`',
    });
  });

  test(`${name} at the first chunk leaves nothing`, async (t) => {
    const { request, list } = await prepare(t);
    const parts = { bench: bench(), layer: failing([1], error) };
    t.is(await t.throwsAsync(runBatch(request, parts)), error);
    t.deepEqual(await list(), []);
  });
}

test('a finished run is found finished: nothing is computed again', async (t) => {
  const { request, y } = await prepare(t);
  await runBatch(request, { bench: bench() });
  const before = await readFile(y);
  const layer = failing([1], new Error('was asked to compute'));
  const state = await runBatch(request, { bench: bench(), layer, earlier: 'resume' });
  t.true(state.isComplete);
  t.deepEqual(await readFile(y), before);
});

test('a finished run whose output has gone is not taken for done', async (t) => {
  const { request, y } = await prepare(t);
  await runBatch(request, { bench: bench() });
  await unlink(y);
  await assertRefused(t, () => runBatch(request, { bench: bench(), earlier: 'resume' }), {
    code: 'INVALID_FILE',
    path: y,
    what: 'the output that was finished',
  });
});

test('a signal before the first chunk lets that be finished at most, and gives its reason', async (t) => {
  const { request, y } = await prepare(t);
  const reason = new Error('enough');
  const layer = failing([2], new Error('was asked to compute more'));
  const run = runBatch(request, { bench: bench(), layer, signal: AbortSignal.abort(reason) });
  t.is(await t.throwsAsync(run), reason);
  await t.throwsAsync(readFile(y), { code: 'ENOENT' });
  await runBatch(request, { bench: bench(), earlier: 'resume' });
  await isRight(t, y);
});

test('an output that is a folder is refused before anything is computed', async (t) => {
  const { request, y, list } = await prepare(t);
  await mkdir(y);
  const layer = failing([1], new Error('was asked to compute'));
  const run = () => runBatch(request, { bench: bench(), layer });
  await assertRefused(t, run, { code: 'FILE_FAILED', path: y, what: 'a folder' });
  t.deepEqual(await list(), ['y.safetensors']);
});

test('an input that changes under way is refused when its end was read, and only its own output is missing', async (t) => {
  const folder = await makeFolder(t);
  const inputs = ['a', 'b'].map((name) => join(folder, `${name}.jsonl`));
  for (const path of inputs) await writeSequences(path, given);
  const out = await makeFolder(t);
  const meanwhile = () => utimes(inputs[1]!, 1, 1);
  const stopping = await requestFor({ inputs, output: out });
  await assertRefused(t, () => runBatch(stopping, { bench: bench(), meanwhile }), {
    code: 'INVALID_FILE',
    path: inputs[1]!,
    what: 'a file that nobody changes while it is read',
  });
  t.false((await readdir(out)).includes('b.jsonl'));
  await utimes(inputs[1]!, 2, 2);
  const skipping = await requestFor({ inputs, output: out, onError: 'skip' });
  const state = await runBatch(skipping, { bench: bench(), earlier: 'restart', meanwhile });
  t.deepEqual((await readdir(out)).sort(), ['a.jsonl', 'headpool.manifest']);
  t.deepEqual(state.failures.map(({ input }) => input), [1]); // prettier-ignore
});

test('lines that are added while an input is read are refused', async (t) => {
  const { folder, y } = await prepare(t);
  const x = await writeSequences(join(folder, 'x.jsonl'), given);
  const request = await requestFor({ inputs: [x], output: y });
  const meanwhile = () => appendFile(x, '{"x":[]}\n');
  await assertRefused(t, () => runBatch(request, { bench: bench(), meanwhile }), {
    code: 'INVALID_FILE',
    path: x,
    what: 'for `bytes`',
  });
});

testAsUser('a folder that can not be written to is refused, and the run settles', async (t) => {
  const { request, folder } = await prepare(t);
  // What is loaded when it is first asked for may lie where an ordinary user can't read.
  await runBatch(request, { bench: bench() });
  const locked = join(folder, 'locked');
  await mkdir(locked, { mode: 0o555 });
  const [target] = request.targets;
  const refused = {
    ...request,
    targets: [{ ...target!, path: join(locked, 'y.safetensors') }],
    manifestPath: undefined,
  };
  await chmod(folder, 0o755);
  return () =>
    assertRefused(t, () => runBatch(refused, { bench: bench() }), { code: 'FILE_FAILED', what: 'EACCES' });
});

test('a pipe that fails ends the run with its name, though chunks are under way', async (t) => {
  const { x } = await prepare(t);
  const request = await requestFor({ inputs: [x], output: '-', outputFormat: 'jsonl' });
  let writes = 0;
  const standardOutput = new Writable({
    write: (_bytes, _encoding, done) => {
      done(++writes > 1 ? new Error('nobody reads') : null);
    },
  });
  standardOutput.on('error', () => undefined);
  await assertRefused(t, () => runBatch(request, { bench: bench(), standardOutput }), {
    code: 'FILE_FAILED',
    path: 'standard output',
    what: 'nobody reads',
  });
});

test('standard input goes to standard output, chunk by chunk', async (t) => {
  const { x, folder } = await prepare(t);
  const line = await writeSequences(join(folder, 'x.line.jsonl'), await readSequences(x));
  const request = await requestFor({ inputs: ['-'], output: '-' });
  const pieces: Buffer[] = [];
  const standardOutput = new Writable({
    write: (bytes: Buffer, _, done) => {
      pieces.push(Buffer.from(bytes));
      done();
    },
  });
  const standardInput = Readable.from([await readFile(line)]);
  const state = await runBatch(request, { bench: bench(), standardInput, standardOutput });
  t.is(state.sequences, lengths.length);
  const path = join(folder, 'piped.jsonl');
  await writeFile(path, Buffer.concat(pieces));
  await isRight(t, path);
});

test('standard input does not write over the unfinished work of another run', async (t) => {
  const { request, y } = await prepare(t);
  await t.throwsAsync(runBatch(request, { bench: bench(), stopAfter: 1 }), { message: 'stopped' });
  const before = await readFile(`${y}.partial`);
  const piped = await requestFor({ inputs: ['-'], output: y });
  const standardInput = Readable.from([Buffer.from('{"x":[]}\n')]);
  await runBatch(piped, { bench: bench(), standardInput });
  t.deepEqual(await readFile(`${y}.partial`), before);
});
