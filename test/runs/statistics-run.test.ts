// Head statistics of a run, against those of each sequence computed alone, and rows that an output can't hold.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { SettableOptions } from '../../src/attention/option-rows.js';
import { assertRefused } from '../helpers/assertions.js';
import { openBench, requestFor, runBatch } from '../helpers/batch-run.js';
import { offsetsOf } from '../../src/files/sequences/layout.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, writeSequences, type GivenSequences } from '../helpers/sequence-files.js';

const bench = openBench();
const lengths = [6, 0, 1, 23, 40, 2];
const names = ['a', null, 3, 'b', 'c', 'd'];

async function statisticsOf(
  t: ExecutionContext,
  inputs: readonly GivenSequences[],
  options: SettableOptions,
  output: string,
) {
  const folder = await makeFolder(t);
  const paths: string[] = [];
  for (const [n, given] of inputs.entries())
    paths.push(await writeSequences(join(folder, `${n}.jsonl`), given));
  const request = await requestFor({
    inputs: paths,
    output: join(folder, output),
    options,
    hasStatistics: true,
  });
  await runBatch(request, { bench: bench(), limits: { mostTokens: 30 } });
  const text = await readFile(request.targets[0]!.statisticsPath!, 'utf8');
  return text.split('\n').slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>); // prettier-ignore
}

/** The statistics of sequence `n` alone, as lists of numbers. */
async function alone({ rows, lengths: all }: GivenSequences, n: number, options: SettableOptions) {
  const offsets = offsetsOf(all);
  const data = rows.slice(offsets[n]! * 8, offsets[n + 1]! * 8);
  const tensor = { shape: [all[n]!, 8], data };
  const { headStatistics } = await bench().layer.forward(tensor, {
    ...options,
    offsets: [0, all[n]!],
    headStatistics: true,
  });
  return Object.fromEntries(Object.entries(headStatistics!).map(([measure, values]) => [measure, Array.from((values as { data: Float32Array }).data)])); // prettier-ignore
}

for (const [name, options] of Object.entries<SettableOptions>({
  'by default': {},
  'with options': { causal: true, window: { left: 5 }, headScale: [2, 0.5] },
})) {
  test(`statistics are those of each sequence alone, ${name}`, async (t) => {
    const given = makeSequences(lengths, 3, { names });
    const lines = await statisticsOf(t, [given], options, 'y.safetensors');
    t.is(lines.length, lengths.length);
    for (const [n, line] of lines.entries()) {
      const wanted = await alone(given, n, options);
      // One without a name is called by where it comes from.
      t.is(String(names[n] ?? `0.jsonl#${n}`), String(line.id).split('/').at(-1)!);
      t.deepEqual(line, { sequence: n, id: line.id, tokens: lengths[n], ...wanted });
    }
  });
}

test('in an output of several inputs the sequences are counted through', async (t) => {
  const inputs = [makeSequences(lengths, 1), makeSequences([], 2), makeSequences([4], 3)];
  const lines = await statisticsOf(t, inputs, {}, 'y.jsonl');
  t.deepEqual(lines.map(({ sequence }) => sequence), [0, 1, 2, 3, 4, 5, 6]); // prettier-ignore
  t.like(lines[6]!, { tokens: 4, ...(await alone(inputs[2]!, 0, {})) });
});

test('rows that are not finite end a run into .jsonl, naming the sequence, and the run settles', async (t) => {
  const folder = await makeFolder(t);
  const given = makeSequences(lengths, 4);
  given.rows[8 * (6 + 0 + 1 + 2)] = NaN;
  const x = await writeSequences(join(folder, 'x.safetensors'), given);
  const request = await requestFor({ inputs: [x], output: join(folder, 'y.jsonl') });
  await assertRefused(t, () => runBatch(request, { bench: bench(), limits: { mostTokens: 8 } }), {
    code: 'INVALID_OPTION',
    path: join(folder, 'y.jsonl'),
    what: 'sequence 3, x[',
  });
  t.deepEqual((await readdir(folder)).sort(), ['x.safetensors', 'y.jsonl.manifest', 'y.jsonl.partial']);
});
