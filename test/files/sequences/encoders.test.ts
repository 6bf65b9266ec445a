import test, { type ExecutionContext } from 'ava';
import { formatOf } from '../../../src/files/sequences/formats.js';
import { countTokens } from '../../../src/files/sequences/layout.js';
import type { OutputOutline } from '../../../src/files/sequences/sequences.js';
import { upTo } from '../../helpers/reader-files.js';

const encodesAlike = test.macro({
  title: (title) => `The bytes don't depend on how sequences are cut, nor on an interruption: ${title ?? ''}`,
  exec: async (t: ExecutionContext, path: string, parts: Partial<OutputOutline>, lengths: number[]) => {
    const outline: OutputOutline = {
      path,
      form: 'packed',
      modelDim: 3,
      dtype: 'f32',
      isPooled: false,
      metadata: new Map([['a', 'b']]),
      ...parts,
    };
    const rows = Float32Array.from(upTo(3 * countTokens(lengths)));
    const encode = async (cuts: readonly number[], assumed: number): Promise<Buffer> => {
      const encoder = await formatOf(path).createEncoder!(outline);
      const pieces: Uint8Array[] = [];
      let [first, begin] = [0, 0];
      for (const end of [...cuts, lengths.length]) {
        const part = lengths.slice(first, end);
        const length = 3 * countTokens(part);
        const bytes = (await formatOf(path).createEncoder!(outline))
          .encode({ lengths: part }, rows.subarray(begin, begin + length))
          .map((piece) => Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
        const whole = Buffer.concat(bytes);
        if (end <= assumed) encoder.assume({ lengths: part }, whole.length);
        else encoder.encode({ lengths: part }, rows.subarray(begin, begin + length));
        pieces.push(whole);
        [first, begin] = [end, begin + length];
      }
      const { prologue = encoder.prologue, epilogue } = encoder.finish();
      t.is(prologue.length, encoder.prologue.length);
      return Buffer.concat([prologue, ...pieces, epilogue]);
    };
    const once = await encode([], 0);
    t.true(once.length > 0);
    for (let assumed = 0; assumed <= lengths.length; assumed++)
      t.deepEqual(await encode([1, 2], assumed), once);
  },
});

test('packed .safetensors', encodesAlike, 'a.safetensors', {}, [2, 0, 3]);
test('packed .safetensors of halves', encodesAlike, 'a.safetensors', { dtype: 'f16' }, [2, 1, 3]);
test('.npy', encodesAlike, 'a.npy', {}, [2, 2, 2]);
test('.npy of halves', encodesAlike, 'a.npy', { dtype: 'f16' }, [2, 2, 2]);
test('.jsonl', encodesAlike, 'a.jsonl', {}, [2, 0, 3]);
