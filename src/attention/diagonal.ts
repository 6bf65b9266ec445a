// Where queries stand among the keys, and how far they look to either side.
import { expected } from '../core/errors.js';
import type { Batch, Entry } from './batch.js';
import { positionalOption } from './option-rows.js';
import type { Alignment, AttentionOptions } from './options.js';
import type { CallRules, ResolvedOptions } from './resolved-options.js';

/**
 * The bounds of `causal` and `window`, and the diagonal that they, ALiBi, rotary positions and statistics measure from.
 * @throws INVALID_OPTION, also where the options leave the alignment open and it matters
 */
export function resolveDiagonal(
  options: AttentionOptions,
  batch: Batch,
): Pick<ResolvedOptions, 'diagonalOf'> & Pick<CallRules, 'left' | 'right'> {
  const { causal = false, window: { left = Infinity, right = Infinity } = {} } = options;
  const alignment = statedAlignment(options);
  if (batch.isCached) refuseAlignment(options);
  else if (alignment === undefined) checkAgreement(options, batch);
  return {
    left,
    right: causal === false ? right : 0,
    // Behind a cache, the last query stands at the last key.
    diagonalOf: batch.isCached || alignment === 'bottom-right' ? bottomRight : topLeft,
  };
}

function topLeft(): number {
  return 0;
}

function bottomRight({ keys, queries }: Entry): number {
  return keys - queries;
}

/** What `alignment` and `causal` say together. */
function statedAlignment({ causal, alignment }: AttentionOptions): Alignment | undefined {
  const ofCausal = typeof causal === 'string' ? causal : undefined;
  if (ofCausal !== undefined && alignment !== undefined && ofCausal !== alignment) {
    throw expected('INVALID_OPTION', `'${ofCausal}', as \`causal\` says,`, 'alignment', alignment);
  }
  return ofCausal ?? alignment;
}

/** The tokens of a cache say where its queries stand. */
function refuseAlignment({ causal, alignment }: AttentionOptions): void {
  if (typeof causal === 'string') {
    const what = 'true or false beside `cache`, whose tokens say the alignment,';
    throw expected('INVALID_OPTION', what, 'causal', causal);
  }
  if (alignment === undefined) return;
  throw expected('INVALID_OPTION', 'none beside `cache`, whose tokens say it,', 'alignment', alignment);
}

/** Refuses options for which the alignment matters, where it isn't stated. */
function checkAgreement(options: AttentionOptions, { entries }: Batch): void {
  const odd = entries.find(({ keys, queries }) => keys !== queries);
  if (odd === undefined) return;
  const what = `'top-left' or 'bottom-right' where they differ (${odd.queries} queries on ${odd.keys} keys)`;
  const measures = positionalOption(options);
  if (measures === undefined) return;
  if (measures === 'causal') throw expected('INVALID_OPTION', what, 'causal', true);
  throw expected('INVALID_OPTION', `${what}, which \`${measures}\` needs,`, 'alignment', undefined);
}
