// The one thing about the settings of an attention that only the files tell: whether the diagonal must be known.
import { isGiven, settingRows } from '../attention/option-rows.js';
import type { AttentionSettings } from '../config/attention-settings.js';
import { flagOf } from '../config/fields.js';
import { HeadpoolError } from '../core/errors.js';

/**
 * Refuses settings that look at positions where keys are not as many as queries and nothing says where the diagonal
 * starts. The options of a call are checked for it too, but by then other files may have been computed.
 * @param queries tokens of each sequence, `keys` those that it attends
 * @throws INVALID_OPTION
 */
export function checkAlignment(
  settings: AttentionSettings,
  queries: readonly number[],
  keys: readonly number[],
): void {
  const row = settingRows.find(({ positional, setting }) => positional && isGiven(settings[setting]));
  const odd = queries.findIndex((count, n) => count !== keys[n]);
  if (row === undefined || odd === -1) return;
  if (settings.alignment !== undefined || typeof settings.causal === 'string') return;
  throw new HeadpoolError(
    'INVALID_OPTION',
    `Expected \`--alignment\` top-left or bottom-right, which \`${flagOf(row.setting)}\` needs where they differ (${queries[odd]!} queries on ${keys[odd]!} keys)`,
  );
}
