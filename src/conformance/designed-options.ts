// The options of the design, those to come included, and the one call that cases of bare attention make with them.
// A case runs as soon as no option that it needs is in `plannedOptions` any more.
import type { AttentionInputs } from '../attention/attention.js';
import type { AttentionResult } from '../attention/multi-head.js';
import { plannedOptions } from '../attention/options.js';
import type { TensorLike } from '../tensor/tensor.js';
import type { PreparedCase } from './case.js';

/** Wherever an option that has come takes another form than this, the compiler points here. */
export interface DesignedInputs extends AttentionInputs {
  readonly window?: { readonly left?: number; readonly right?: number };
  readonly softcap?: number;
  readonly alibiSlopes?: readonly number[];
  readonly sinks?: readonly number[];
  readonly headScale?: readonly number[];
  readonly rope?: { readonly base: number; readonly dims?: number; readonly interleaved?: boolean };
  readonly returnScores?: 'scaled' | 'softcapped' | 'biased';
}

export interface DesignedResult extends AttentionResult {
  readonly scores?: TensorLike;
}

/**
 * A call of `engine.attention`, or which options it waits for.
 * @param nameOutputs the results under the suite's names; undefined ones were not asked for
 */
export function prepareAttention(
  inputs: DesignedInputs,
  nameOutputs: (result: DesignedResult) => Readonly<Record<string, TensorLike | undefined>>,
): PreparedCase {
  const missing = plannedOptions.filter((name: string) => name in inputs);
  if (missing.length > 0) {
    const names = missing.map((name) => `\`${name}\``).join(' and ');
    return { skip: `needs ${names}, which no kernel computes yet` };
  }
  return {
    run: async (engine) => {
      const outputs = Object.entries(nameOutputs(await engine.attention(inputs)));
      return new Map(outputs.flatMap(([name, tensor]) => (tensor === undefined ? [] : [[name, tensor]])));
    },
  };
}
