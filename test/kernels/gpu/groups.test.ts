// Numbers of workgroups where one dimension can't hold them.
import test from 'ava';
import { foldGroups } from '../../../workers/kernels/gpu/groups.js';

test('few workgroups lie in one row', (t) => {
  t.deepEqual(foldGroups(0), [0, 1, 1]);
  t.deepEqual(foldGroups(1), [1, 1, 1]);
  t.deepEqual(foldGroups(65_535), [65_535, 1, 1]);
});

test('more are folded, with less than a row of them too many', (t) => {
  for (const count of [65_536, 65_537, 131_070, 131_071, 1_000_003, 65_535 ** 2]) {
    const [x, y, z] = foldGroups(count);
    t.true(x <= 65_535 && y <= 65_535 && z === 1);
    t.true(x * y >= count && x * y - count < y);
  }
});
