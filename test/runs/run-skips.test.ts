// Runs that leave out what is damaged: which outputs there are then, what they hold, and what is told.
import { EventEmitter, once } from 'node:events';
import { readdir, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { Failure } from '../../src/runs/chunks.js';
import { openJournal } from '../../src/runs/journal.js';
import { verifyOutputs } from '../../src/runs/verify-outputs.js';
import { countTokens } from '../../src/files/sequences/layout.js';
import {
  heads,
  identityOf,
  openBench,
  requestFor,
  runBatch,
  smallWeights,
  withForward,
} from '../helpers/batch-run.js';
import { layerOracle, worstError } from '../helpers/layer-oracle.js';
import { makeFolder } from '../helpers/make-folder.js';
import {
  makeSequences,
  readSequences,
  writeSequences,
  type GivenSequences,
} from '../helpers/sequence-files.js';

const bench = openBench();
const given = ['a', 'b', 'c'].map((letter, n) =>
  makeSequences([3, 20, 0, 31], n, { names: [0, 1, 2, 3].map((index) => `${letter}${index}`) }),
);

type Damage = (path: string) => Promise<void>;

const cutHeader: Damage = (path) => truncate(path, 30);
/** Found only when its rows are read: the file shrinks behind the header's back. */
const cutLine: (line: number) => Damage = (line) => async (path) => {
  const lines = (await readFile(path, 'utf8')).split('\n');
  lines[line] = lines[line]!.slice(0, -9);
  await writeFile(path, lines.join('\n'));
};

interface Case {
  readonly damages: readonly (Damage | undefined)[];
  readonly extension?: string;
  readonly output: string;
  readonly meanwhile?: (inputs: readonly string[]) => Promise<void>;
}

async function run(t: ExecutionContext, { damages, extension = 'safetensors', output, meanwhile }: Case) {
  const folder = await makeFolder(t);
  const inputs: string[] = [];
  for (const [n, damage] of damages.entries()) {
    const path = await writeSequences(join(folder, `${'abc'[n]!}.${extension}`), given[n]!);
    inputs.push(path);
    await damage?.(path);
  }
  const where = await makeFolder(t);
  const request = await requestFor({
    inputs,
    output: join(where, output),
    onError: 'skip',
    hasStatistics: true,
  });
  const told: Failure[] = [];
  const state = await runBatch(request, {
    bench: bench(),
    limits: { mostTokens: 25, mostSequenceTokens: 500 },
    onProgress: ({ failures }) => told.push(...failures),
    ...(meanwhile && { meanwhile: () => meanwhile(inputs) }),
  });
  t.deepEqual(told, state.failures);
  t.true(state.isComplete);
  await verifyOutputs(request, state);
  const files = (await readdir(where)).filter((name) => !name.endsWith('manifest')).sort();
  return { inputs, where, state, files };
}

/** Sequences `picks` of each of `all`. */
function pick(picks: readonly (readonly number[])[]): GivenSequences {
  const parts = picks.flatMap((indices, n) => indices.map((index) => ({ from: given[n]!, index })));
  const rows = parts.flatMap(({ from, index }) => {
    const begin = countTokens(from.lengths.slice(0, index));
    return Array.from(from.rows.subarray(begin * 8, (begin + from.lengths[index]!) * 8));
  });
  return {
    width: 8,
    rows: Float32Array.from(rows),
    lengths: parts.map(({ from, index }) => from.lengths[index]!),
    names: parts.map(({ from, index }) => from.names![index]!),
  };
}

async function holds(
  t: ExecutionContext,
  path: string,
  picks: readonly (readonly number[])[],
): Promise<void> {
  const [found, query] = [await readSequences(path), pick(picks)];
  t.deepEqual(found.lengths, query.lengths);
  t.deepEqual(found.names, query.names);
  const worst = worstError(found.rows, layerOracle({ weights: smallWeights, heads, query }));
  t.true(worst < 1e-5, `off by ${worst}`);
  const lines = (await readFile(path.replace(/\.\w+$/, '.statistics.jsonl'), 'utf8'))
    .split('\n')
    .slice(0, -1);
  t.deepEqual(lines.map((line) => (JSON.parse(line) as { id: string }).id), query.names); // prettier-ignore
}

const all = [0, 1, 2, 3];

test('the only input of a file fails: there is no file', async (t) => {
  const { files, inputs, state } = await run(t, { damages: [cutHeader], output: 'y.safetensors' });
  t.deepEqual(files, []);
  t.is(state.failures.length, 1);
  t.is(state.failures[0]!.input, 0);
  t.true(state.failures[0]!.message.startsWith(inputs[0]!));
  t.is(state.sequences, 0);
});

for (const extension of ['safetensors', 'jsonl', 'arrow', 'parquet']) {
  for (let bad = 0; bad < 3; bad++) {
    test(`input ${bad} of three fails: a .${extension} file holds the others`, async (t) => {
      const damages = [0, 1, 2].map((n) => (n === bad ? cutHeader : undefined));
      const { files, where, state } = await run(t, { damages, output: `y.${extension}` });
      t.deepEqual(files, ['y.statistics.jsonl', `y.${extension}`].sort());
      await holds(t, join(where, files.find((name) => !name.includes('statistics'))!), [0, 1, 2].map((n) => (n === bad ? [] : all))); // prettier-ignore
      t.deepEqual(state.failures.map(({ input }) => input), [bad]); // prettier-ignore
    });
  }
}

test('in a folder the input that fails has no file, and the others have theirs', async (t) => {
  const { files, where } = await run(t, { damages: [undefined, cutHeader, undefined], output: '/' });
  t.deepEqual(files, ['a.safetensors', 'a.statistics.jsonl', 'c.safetensors', 'c.statistics.jsonl']);
  await holds(t, join(where, 'a.safetensors'), [all]);
  await holds(t, join(where, 'c.safetensors'), [[], [], all]);
});

test('everything fails: there is no file at all', async (t) => {
  for (const output of ['y.safetensors', '/']) {
    const { files, state } = await run(t, { damages: [cutHeader, cutHeader], output });
    t.deepEqual(files, []);
    t.is(state.failures.length, 2);
  }
});

for (const line of [0, 1, 3]) {
  test(`line ${line} of .jsonl is damaged: the output has all others, by their names`, async (t) => {
    const damages = [undefined, cutLine(line)];
    const { where, state } = await run(t, { damages, extension: 'jsonl', output: 'y.safetensors' });
    await holds(t, join(where, 'y.safetensors'), [all, all.filter((index) => index !== line)]);
    t.like(state.failures, [{ input: 1, sequence: line }]);
    t.regex(state.failures[0]!.message, new RegExp(`b\\.jsonl: .*line ${line + 1}`));
  });
}

test('every line is damaged: the file is there and empty', async (t) => {
  const damage: Damage = async (path) => {
    for (const line of all) await cutLine(line)(path);
  };
  const { files, where, state } = await run(t, { damages: [damage], extension: 'jsonl', output: 'y.jsonl' });
  t.deepEqual(files, ['y.jsonl', 'y.statistics.jsonl']);
  t.is(await readFile(join(where, 'y.jsonl'), 'utf8'), '');
  t.is(state.failures.length, 4);
});

test('an input whose rows can not be read, though its header could, is given up as a whole', async (t) => {
  const meanwhile = async (inputs: readonly string[]) => writeFile(inputs[1]!, 'no longer what it was');
  const { files, state } = await run(t, {
    damages: [undefined, undefined, undefined],
    output: '/',
    meanwhile,
  });
  t.deepEqual(files, ['a.safetensors', 'a.statistics.jsonl', 'c.safetensors', 'c.statistics.jsonl']);
  t.deepEqual(state.failures.map(({ input }) => input), [1]); // prettier-ignore
});

test('what was skipped before an interruption is known after it', async (t) => {
  const begin = async () => {
    const folder = await makeFolder(t);
    const x = await writeSequences(join(folder, 'x.jsonl'), given[0]!);
    await cutLine(0)(x);
    await cutLine(3)(x);
    return {
      x,
      request: await requestFor({ inputs: [x], output: join(folder, 'y.jsonl'), onError: 'skip' }),
    };
  };
  const limits = { mostTokens: 1 };
  const whole = await begin();
  const wanted = await runBatch(whole.request, { bench: bench(), limits });
  const { request, x } = await begin();
  const stopped = runBatch(request, { bench: bench(), limits, stopAfter: 1 });
  await t.throwsAsync(stopped, { message: 'stopped' });
  const state = await runBatch(request, { bench: bench(), limits, earlier: 'resume' });
  t.deepEqual(state.failures.map(({ sequence }) => sequence), [0, 3]); // prettier-ignore
  t.deepEqual(state.failures.map(({ message }) => message.replace(x, whole.x)), wanted.failures.map(({ message }) => message)); // prettier-ignore
  const [found, right] = [request, whole.request].map(({ targets }) => readFile(targets[0]!.path));
  t.deepEqual(await found, await right);
});

test('what an output of several inputs holds of one that changed does not depend on the chunks', async (t) => {
  const outputs: string[] = [];
  for (const mostTokens of [1, 1000]) {
    const folder = await makeFolder(t);
    const [a, b] = [join(folder, 'a.jsonl'), join(folder, 'b.jsonl')];
    for (const [n, path] of [a, b].entries()) await writeSequences(path, given[n]!);
    const request = await requestFor({ inputs: [a, b], output: join(folder, 'y.jsonl'), onError: 'skip' });
    const meanwhile = () => utimes(a, 1, 1);
    const state = await runBatch(request, { bench: bench(), limits: { mostTokens }, meanwhile });
    if (state.failures.length !== 1) throw new Error('the change was not found');
    outputs.push(await readFile(request.targets[0]!.path, 'utf8'));
  }
  t.is(outputs[0], outputs[1]);
});

test('results are not written over while they are written, though a chunk of nothing but damage is between', async (t) => {
  const folder = await makeFolder(t);
  // Each fills a chunk. That x has ended and what is missing fill one with 256 portions.
  const lengths = new Array<number>(10).fill(20);
  const [x, z] = await Promise.all(
    ['x', 'z'].map((name, seed) =>
      writeSequences(join(folder, `${name}.safetensors`), makeSequences(lengths, seed)),
    ),
  );
  const missing = Array.from({ length: 255 }, (_, n) => join(folder, `missing${n}.safetensors`));
  const [one, output] = [join(folder, 'one.arrows'), '-'];
  const limits = { mostTokens: countTokens(lengths), mostSequenceTokens: 500 };
  await runBatch(await requestFor({ inputs: [x!, z!], output: one }), { bench: bench(), limits });
  const events = new EventEmitter();
  const { layer } = bench();
  let calls = 0;
  const telling = withForward(layer, async (...call) => {
    const result = await layer.forward(...call);
    if (++calls === 3) events.emit('second file');
    return result;
  });
  const isTold = once(events, 'second file');
  let held: Promise<unknown> | undefined;
  const pieces: Buffer[] = [];
  const standardOutput = new Writable({
    write: (bytes: Buffer, _, done) => {
      pieces.push(Buffer.from(bytes));
      held ??= Promise.race([isTold, sleep(500)]);
      void held.then(() => {
        done();
      });
    },
  });
  const request = await requestFor({
    inputs: [x!, ...missing, z!],
    ...{ output, outputFormat: 'arrow', onError: 'skip' },
  });
  const state = await runBatch(request, { bench: bench(), layer: telling, limits, standardOutput });
  t.is(state.failures.length, missing.length);
  t.true(Buffer.concat(pieces).equals(await readFile(one)));
});

test('the partial file of an output that was given up is removed by the run that goes on', async (t) => {
  const folder = await makeFolder(t);
  const x = await writeSequences(join(folder, 'x.jsonl'), given[0]!);
  const request = await requestFor({ inputs: [x], output: join(folder, 'y.jsonl'), onError: 'skip' });
  const journal = await openJournal(request, {
    identity: await identityOf(request, bench()),
    earlier: 'refuse',
  });
  const failures = [{ input: 0, message: 'gone' }];
  await journal.record(
    [{ input: 0, end: { sequence: 0 }, isEnded: true, lengths: [], failures }],
    [{ target: 0 }],
  );
  await journal.close();
  await writeFile(join(folder, 'y.jsonl.partial'), 'rows');
  await runBatch(request, { bench: bench(), earlier: 'resume' });
  t.deepEqual((await readdir(folder)).sort(), ['x.jsonl', 'y.jsonl.manifest']);
});
