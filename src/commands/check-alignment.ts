// The one thing about the options of an attention that only the files tell: whether the diagonal must be known.
import { isGiven, settingRows, valueAt } from '../attention/option-rows.js';
import type { AttentionOptions } from '../attention/options.js';
import { flagOf } from '../config/fields.js';
import { HeadpoolError } from '../core/errors.js';

/**
 * Refuses options that look at positions where keys are not as many as queries and nothing says where the diagonal
 * starts. The options of a call are checked for it too, but by then other files may have been computed.
 * @param queries tokens of each sequence, `keys` those that it attends
 * @throws INVALID_OPTION
 */
export function checkAlignment(
  options: AttentionOptions,
  queries: readonly number[],
  keys: readonly number[],
): void {
  const row = settingRows.find((row) => row.positional && isGiven(valueAt(options, row)));
  const odd = queries.findIndex((count, n) => count !== keys[n]);
  if (row === undefined || odd === -1) return;
  if (options.alignment !== undefined || typeof options.causal === 'string') return;
  throw new HeadpoolError(
    'INVALID_OPTION',
    `Expected \`--alignment\` top-left or bottom-right, which \`${flagOf(row.setting)}\` needs where they differ (${queries[odd]!} queries on ${keys[odd]!} keys)`,
  );
}
