// The settings of an attention as the options of a call, and the one thing that only the files tell about them.
import { alibiSlopes } from '../attention/alibi.js';
import type { RunOptions } from '../runs/request.js';
import type { AttentionSettings } from '../config/attention-settings.js';
import { HeadpoolError } from '../core/errors.js';

/** @throws INVALID_OPTION for ALiBi with more heads than can be */
export function attentionOptions(settings: AttentionSettings): RunOptions {
  const { heads, causal, alignment, scale, softcap, alibi, sinks, headScale } = settings;
  const { windowLeft: left, windowRight: right } = settings;
  const { ropeBase: base, ropeDims: dims, ropeInterleaved: interleaved } = settings;
  const window = { ...(left !== undefined && { left }), ...(right !== undefined && { right }) };
  return {
    causal,
    ...(alignment !== undefined && { alignment }),
    ...(scale !== undefined && { scale }),
    ...(softcap !== undefined && { softcap }),
    ...((left ?? right) !== undefined && { window }),
    ...(alibi && { alibiSlopes: alibiSlopes(heads) }),
    ...(sinks !== undefined && { sinks }),
    ...(headScale !== undefined && { headScale }),
    ...(base !== undefined && { rope: { base, ...(dims !== undefined && { dims }), interleaved } }),
  };
}

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
  const flag = positionalFlag(settings);
  const odd = queries.findIndex((count, n) => count !== keys[n]);
  if (flag === undefined || odd === -1) return;
  if (settings.alignment !== undefined || typeof settings.causal === 'string') return;
  throw new HeadpoolError(
    'INVALID_OPTION',
    `Expected \`--alignment\` top-left or bottom-right, which \`${flag}\` needs where they differ (${queries[odd]!} queries on ${keys[odd]!} keys)`,
  );
}

/** The flag of a setting that looks at positions, if there is one. */
function positionalFlag(settings: AttentionSettings): string | undefined {
  const { causal, windowLeft, windowRight, alibi, ropeBase } = settings;
  if (causal !== false) return '--causal';
  if (windowLeft !== undefined) return '--window-left';
  if (windowRight !== undefined) return '--window-right';
  if (alibi) return '--alibi';
  return ropeBase === undefined ? undefined : '--rope-base';
}
