// Lists that a file makes longer than the stack holds: sequences and failures of one chunk, names that nothing knows.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { openSequences } from '../../src/files/sequences/formats.js';
import { createSequenceWriter } from '../../src/files/sequences/sequence-writer.js';
import { run } from '../helpers/command.js';
import { argsOf, modelDim, packed, useInputs } from '../helpers/fault-inputs.js';
import { makeFolder } from '../helpers/make-folder.js';

useInputs(packed);

const count = 300_000;

for (const [what, tokens] of [
  ['empty sequences', 0],
  ['sequences of a token', 1],
] as const) {
  test(`a chunk of ${count} ${what} is computed`, async (t) => {
    const where = await makeFolder(t);
    const writer = await createSequenceWriter(join(where, 'x.safetensors'), { modelDim });
    await writer.append(
      { lengths: Array.from({ length: count }, () => tokens) },
      new Float32Array(count * tokens * modelDim),
    );
    await writer.commit();
    const long = { ...packed, inputs: ['./x.safetensors'] };
    const { code, stderr } = await run(where, argsOf(long, '--batch-tokens', String(count)));
    t.is(code, 0, stderr);
    const output = await openSequences(join(where, 'y.safetensors'));
    t.is(output.count, count);
    await output.close();
  });
}

test('a chunk of 150,000 named sequences is computed', async (t) => {
  const where = await makeFolder(t);
  const many = 150_000;
  const rowBytes = 4 * modelDim;
  const entries = Array.from({ length: many }, (_, n) => {
    return `"s${n}":{"dtype":"F32","shape":[1,${modelDim}],"data_offsets":[${n * rowBytes},${(n + 1) * rowBytes}]}`;
  });
  const header = Buffer.from(`{${entries.join(',')}}`);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(header.length));
  await writeFile(
    join(where, 'x.safetensors'),
    Buffer.concat([prefix, header, Buffer.alloc(many * rowBytes)]),
  );
  const named = { ...packed, inputs: ['./x.safetensors'] };
  const { code, stdout, stderr } = await run(where, argsOf(named, '--batch-tokens', String(many), '--json'));
  t.is(code, 0, stderr);
  t.is((JSON.parse(stdout) as { sequences: number }).sequences, many);
});

test(`a chunk of ${count} damaged lines is left out and reported`, async (t) => {
  const where = await makeFolder(t);
  await writeFile(join(where, 'x.jsonl'), '{}\n'.repeat(count));
  const long = { ...packed, inputs: ['./x.jsonl'] };
  const { code, stdout, stderr } = await run(where, argsOf(long, '--on-error', 'skip', '--json'));
  t.is(code, 3, stderr);
  t.is((JSON.parse(stdout) as { failures: unknown[] }).failures.length, count);
});

test('a file of 90,000 settings is refused, and soon', async (t) => {
  const where = await makeFolder(t);
  const lines = Array.from({ length: 90_000 }, (_, n) => `k${n}: 1\n`);
  await writeFile(join(where, 'k.yaml'), lines.join(''));
  const { code, stderr } = await run(where, ['info', '--config', 'k.yaml']);
  t.is(code, 2, stderr.slice(0, 400));
  t.regex(stderr, /^headpool: k\.yaml: expected settings, got a mapping of thousands of keys at line 1/);
});
