import test, { type ExecutionContext } from 'ava';
import { createLayout } from '../../../src/files/sequences/layout.js';
import { assertRefused } from '../../helpers/assertions.js';

const layoutRefuses = test.macro(
  async (t: ExecutionContext, parts: Parameters<typeof createLayout>[0], what: string) => {
    await assertRefused(t, () => createLayout(parts), { code: 'INVALID_OPTION', what });
  },
);

test('A modelDim of 0 is no layout', layoutRefuses, { modelDim: 0, lengths: [1] }, '`modelDim`, got `0`');
test(
  'A negative length is no layout',
  layoutRefuses,
  { modelDim: 1, lengths: [1, -1] },
  '`lengths[1]`, got `-1`',
);
test('A fractional length is no layout', layoutRefuses, { modelDim: 1, lengths: [1.5] }, '`lengths[0]`');
test(
  'More than 2^53 numbers are no layout',
  layoutRefuses,
  { modelDim: 2 ** 30, lengths: [2 ** 30] },
  '`lengths`',
);
