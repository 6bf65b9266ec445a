// Many engines closed under their calls, for `npm run test:deep`.
import { countAfterRounds } from '../helpers/closing-rounds.js';
import { testUnless } from '../helpers/skips.js';
import { threadsProblem } from '../helpers/threads.js';

testUnless(threadsProblem)('1,000 engines that are closed under their calls leave no thread', async (t) => {
  t.timeout(60 * 60_000);
  const { first, last, stopped } = await countAfterRounds(1000);
  t.is(last, first);
  t.true(stopped > 1000, `${stopped} calls were stopped`);
});
