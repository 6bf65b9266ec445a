// Seeded sequences for tests, written in every format and read from every format.
import { writeFile } from 'node:fs/promises';
import { formatNpyHeader } from '../../src/files/npy.js';
import { formatOf } from '../../src/files/sequences/formats.js';
import { countTokens, offsetsOf } from '../../src/files/sequences/layout.js';
import { createSequenceWriter } from '../../src/files/sequences/sequence-writer.js';
import type { SequenceForm, SequenceName } from '../../src/files/sequences/sequences.js';
import { createRandom } from '../../src/core/tensor/random.js';
import type { Dtype } from '../../src/core/tensor/dtype.js';
import { zipFile } from '../files/zip-bytes.js';

export interface GivenSequences {
  /** Numbers of a row. */
  readonly width: number;
  readonly lengths: readonly number[];
  readonly names?: readonly SequenceName[];
  readonly rows: Float32Array; // [sum of lengths, width]
}

export function makeSequences(
  lengths: readonly number[],
  seed: number,
  { width = 8, names }: { readonly width?: number; readonly names?: readonly SequenceName[] } = {},
): GivenSequences {
  const random = createRandom(seed);
  const count = countTokens(lengths);
  const rows = Float32Array.from({ length: count * width }, () => random.normal());
  return { width, lengths, rows, ...(names && { names }) };
}

/** By the extension of `path`; .npy gets equal lengths unless the form is single. */
export async function writeSequences(
  path: string,
  given: GivenSequences,
  { form = 'packed', dtype = 'f32' }: { readonly form?: SequenceForm; readonly dtype?: Dtype } = {},
): Promise<string> {
  if (path.endsWith('.npz')) {
    await writeFile(path, npzOf(given, form));
    return path;
  }
  const { width, lengths, names, rows } = given;
  const layout = { lengths, ...(names && { names }) };
  const writer = await createSequenceWriter(path, { modelDim: width, form, dtype, layout });
  await writer.append(layout, rows);
  await writer.commit();
  return path;
}

function npzOf({ width, lengths, names, rows }: GivenSequences, form: SequenceForm): Buffer {
  if (form === 'named') {
    let row = 0;
    const members = lengths.map((length, n) => {
      const content = npyOf([length, width], rows.subarray(row * width, (row + length) * width));
      row += length;
      return { name: `${String(names![n])}.npy`, content, isDeflated: n % 2 === 1 };
    });
    return zipFile(members);
  }
  if (form === 'stacked')
    return zipFile([{ name: 'x.npy', content: npyOf([lengths.length, lengths[0]!, width], rows) }]);
  const offsets = offsetsOf(lengths);
  const bytes = BigInt64Array.from(offsets, BigInt);
  const header = formatNpyHeader('I64', [offsets.length]);
  return zipFile([
    { name: 'x.npy', content: npyOf([rows.length / width, width], rows), isDeflated: true },
    { name: 'offsets.npy', content: Buffer.concat([header, new Uint8Array(bytes.buffer)]) },
  ]);
}

export function npyOf(shape: readonly number[], numbers: Float32Array): Buffer {
  const header = formatNpyHeader('F32', shape);
  return Buffer.concat([header, new Uint8Array(numbers.slice().buffer)]);
}

/** Everything in a file, whatever its format; a damaged sequence is thrown. */
export async function readSequences(path: string, width = 8): Promise<GivenSequences> {
  const stream = await formatOf(path).openStream({ path, modelDim: width });
  const [lengths, names, rows]: [number[], SequenceName[], number[]] = [[], [], []];
  try {
    for (let span; (span = await stream.next(1000)) !== undefined;) {
      if ('error' in span) throw span.error;
      const target = new Float32Array(countTokens(span.lengths) * width);
      await span.read(target);
      lengths.push(...span.lengths);
      names.push(...(span.names ?? span.lengths.map(() => null)));
      for (const number of target) rows.push(number);
    }
  } finally {
    await stream.close();
  }
  const hasNames = names.some((name) => name !== null);
  return { width, lengths, rows: Float32Array.from(rows), ...(hasNames && { names }) };
}
