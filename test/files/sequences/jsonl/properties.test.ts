import test from 'ava';
import fc from 'fast-check';
import { jsonlFormat } from '../../../../src/files/sequences/jsonl-format.js';
import { openJsonlStream } from '../../../../src/files/sequences/jsonl/stream.js';
import { createRandom } from '../../../../src/core/tensor/random.js';
import { chunksOf, embedding, good, open, path, readAll } from '../../../helpers/jsonl-streams.js';

const finite = fc
  .integer({ min: 0, max: 2 ** 32 - 1 })
  .map((bits) => new Float32Array(Uint32Array.of(bits).buffer)[0]!)
  .filter((value) => Number.isFinite(value));
const wellFormed = fc.string({ unit: 'grapheme', maxLength: 6 });

test('What was encoded is read with the same bits, however either is cut', async (t) => {
  const cases = fc.integer({ min: 1, max: 5 }).chain((modelDim) =>
    fc.record({
      modelDim: fc.constant(modelDim),
      sequences: fc.array(
        fc.record({
          name: fc.oneof(wellFormed, fc.maxSafeInteger(), fc.constant(null)),
          rows: fc.array(fc.array(finite, { minLength: modelDim, maxLength: modelDim }), { maxLength: 4 }),
        }),
        { maxLength: 6 },
      ),
      chunk: fc.integer({ min: 1, max: 200 }),
      mostTokens: fc.integer({ min: 0, max: 12 }),
      cut: fc.nat(6),
    }),
  );
  await fc.assert(
    fc.asyncProperty(cases, async ({ modelDim, sequences, chunk, mostTokens, cut }) => {
      const outline = {
        path,
        form: 'packed',
        modelDim,
        dtype: 'f32',
        isPooled: false,
        metadata: new Map(),
      } as const;
      const encoder = await jsonlFormat.createEncoder!(outline);
      const parts = [sequences.slice(0, cut), sequences.slice(cut)].flatMap((part) =>
        encoder.encode(
          { lengths: part.map(({ rows }) => rows.length), names: part.map(({ name }) => name) },
          Float32Array.from(part.flatMap(({ rows }) => rows.flat())),
        ),
      );
      const text = Buffer.concat(parts as Uint8Array[]);
      const stream = await openJsonlStream({ path, modelDim, bytes: chunksOf(text, chunk) });
      const found = await readAll(stream, modelDim, mostTokens);
      t.deepEqual(
        found.map(({ name, rows }) => ({ name, rows })),
        sequences.map(({ name, rows }) => ({ name: Object.is(name, -0) ? 0 : name, rows: rows.flat() })),
      );
    }),
    { seed: 11, numRuns: 400 },
  );
});

test('Whatever is done to the bytes, reading ends, and what is damaged says so', async (t) => {
  const random = createRandom(12);
  const below = (count: number) => Math.floor(random.uniform() * count);
  const base = Buffer.from(
    `${good}\n{"id":"\u00e9\\n","x":[[1.5,-2e-3]]}\r\n{"tokens":[1,4]}\n\n{"x":[],"id":9}`,
  );
  const symbols = Buffer.from('{}[]",:\\0e-.\n\r \xff', 'latin1');
  let damaged = 0;
  for (let run = 0; run < 3000; run++) {
    let bytes = Buffer.from(base);
    for (let change = below(4); change >= 0; change--) {
      const at = below(bytes.length);
      const kind = below(4);
      if (kind === 0) bytes[at] = bytes[at]! ^ (1 << below(8));
      else if (kind === 1) bytes[at] = symbols[below(symbols.length)]!;
      else if (kind === 2) bytes = bytes.subarray(0, Math.max(1, at));
      else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(below(bytes.length))]);
      if (bytes.length === 0) bytes = Buffer.from('{');
    }
    const found = await readAll(
      await open('', { bytes: chunksOf(bytes, 1 + below(99)), embedding }, 200),
      2,
      below(5),
    );
    t.true(found.length <= bytes.length);
    for (const { error } of found.filter(({ error }) => error !== undefined)) {
      damaged++;
      if (error?.code !== 'INVALID_FILE' || !error.message.startsWith(`${path}: expected `))
        t.fail(error?.message);
    }
  }
  t.true(damaged > 1000);
});
