// A few sequences, encoded in one call or in several, and what every encoder owes whoever calls it.
import type { ExecutionContext } from 'ava';
import { bytesOf } from '../../src/files/positional-io.js';
import type {
  OutputOutline,
  SequenceFormat,
  SequenceName,
  Sequences,
} from '../../src/files/sequences/sequences.js';
import { decodeF16, encodeF16 } from '../../src/core/tensor/dtype.js';
import { createRandom } from '../../src/core/tensor/random.js';
import { width } from './arrow-tables.js';

export const lengths = [3, 0, 1, 2, 5, 1];
export const names: SequenceName[] = ['a', null, 17, '', 'ünï', 'a name of more than eight bytes'];
/** What names are in files of text. */
export const texts = names.map((name) => (name === null ? null : String(name)));
const random = createRandom(5);
export const rows = Float32Array.from({ length: 12 * width }, () => random.normal());
/** What the rows are once they were stored as float16. */
export const halved = [...rows].map((number) => decodeF16(encodeF16(number)));

/** The sequences `first` … `end - 1` and their rows. */
export function slice(sequences: Sequences, first: number, end: number): [Sequences, Float32Array] {
  const count = (until: number): number =>
    sequences.lengths.slice(0, until).reduce((a, b) => a + b, 0) * width;
  const part = { lengths: sequences.lengths.slice(first, end), names: sequences.names?.slice(first, end) };
  return [part, rows.subarray(count(first), count(end))];
}

export const concat = (pieces: readonly ArrayBufferView[]): Buffer => Buffer.concat(pieces.map(bytesOf));

type EncoderOf = (outline: OutputOutline) => ReturnType<NonNullable<SequenceFormat['createEncoder']>>;

/** The file of `sequences`, encoded in calls that end at `cuts`. */
export async function encode(
  encoderOf: EncoderOf,
  outline: OutputOutline,
  sequences: Sequences,
  cuts: readonly number[] = [],
): Promise<Buffer> {
  const encoder = await encoderOf(outline);
  const pieces: ArrayBufferView[] = [encoder.prologue];
  let first = 0;
  for (const end of [...cuts, sequences.lengths.length]) {
    pieces.push(...encoder.encode(...slice(sequences, first, end)));
    first = end;
  }
  const { prologue, epilogue } = encoder.finish();
  if (prologue !== undefined) throw new Error('the prologue stands from the start');
  return concat([...pieces, epilogue]);
}

/** The bytes do not depend on how calls are cut. */
export async function assertCutsAgree(
  t: ExecutionContext,
  encoderOf: EncoderOf,
  outline: OutputOutline,
): Promise<void> {
  const whole = await encode(encoderOf, outline, { lengths, names });
  for (const cuts of [[0, 6], [3], [1, 1, 2, 5], [1, 2, 3, 4, 5]]) {
    t.deepEqual(await encode(encoderOf, outline, { lengths, names }, cuts), whole);
  }
}

/** An encoder that goes on gives the rest of the bytes. */
export async function assertGoesOn(
  t: ExecutionContext,
  encoderOf: EncoderOf,
  outline: OutputOutline,
): Promise<void> {
  for (const sequences of [{ lengths, names }, { lengths }]) {
    const whole = await encode(encoderOf, outline, sequences);
    for (let done = 0; done <= lengths.length; done++) {
      const before = await encoderOf(outline);
      const written = concat(before.encode(...slice(sequences, 0, done))).length;
      const after = await encoderOf(outline);
      after.assume(slice(sequences, 0, done)[0], written);
      const rest = after.encode(...slice(sequences, done, lengths.length));
      const tail = concat([...rest, after.finish().epilogue]);
      t.deepEqual(tail, whole.subarray(after.prologue.length + written));
    }
  }
}
