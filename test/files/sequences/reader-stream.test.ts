import test from 'ava';
import { formatOf } from '../../../src/files/sequences/formats.js';
import { countTokens, createLayout } from '../../../src/files/sequences/layout.js';
import type { SequenceSpan } from '../../../src/files/sequences/sequences.js';
import { assertRefused } from '../../helpers/assertions.js';
import { roundTrip, upTo } from '../../helpers/reader-files.js';

test('A stream gives whole sequences that fit, one at least, and goes on where another stopped', async (t) => {
  const path = (await roundTrip(t, 'a.safetensors', createLayout({ modelDim: 2, lengths: [2, 3, 0, 4, 1] })))
    .path;
  const take = async (mostTokens: number, sequence: number) => {
    const stream = await formatOf(path).openStream({ path, modelDim: 2, start: { sequence } });
    const lengths: (readonly number[])[] = [];
    const numbers: number[] = [];
    let last: SequenceSpan | undefined;
    for (;;) {
      const span = (await stream.next(mostTokens)) as SequenceSpan | undefined;
      if (span === undefined) break;
      last = span;
      lengths.push(span.lengths);
      const target = new Float32Array(2 * countTokens(span.lengths));
      await span.read(target);
      numbers.push(...target);
    }
    await stream.close();
    t.like(last, { end: { sequence: 5 }, share: 1 });
    return { lengths, numbers };
  };
  t.deepEqual(await take(5, 0), {
    lengths: [
      [2, 3, 0],
      [4, 1],
    ],
    numbers: upTo(20),
  });
  t.deepEqual((await take(1, 0)).lengths, [[2], [3], [0], [4], [1]]);
  t.deepEqual(await take(100, 3), { lengths: [[4, 1]], numbers: upTo(20).slice(10) });
  const open = (modelDim: number, sequence: number) => () =>
    formatOf(path).openStream({ path, modelDim, start: { sequence } });
  await assertRefused(t, open(3, 0), {
    code: 'INVALID_SHAPE',
    path,
    what: 'modelDim 3, as the weights have, got 2',
  });
  await assertRefused(t, open(2, 6), { code: 'INVALID_FILE', path, what: '`sequences`, got `5`' });
});
