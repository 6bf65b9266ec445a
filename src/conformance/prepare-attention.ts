// The one call that cases of bare attention make.
import type { AttentionInputs } from '../attention/attention-call.js';
import type { AttentionResult } from '../attention/result.js';
import type { TensorLike } from '../core/tensor/tensor.js';
import type { PreparedCase } from './case.js';

/**
 * A call of `engine.attention`.
 * @param nameOutputs the results under the suite's names; undefined ones were not asked for
 */
export function prepareAttention(
  inputs: AttentionInputs,
  nameOutputs: (result: AttentionResult) => Readonly<Record<string, TensorLike | undefined>>,
): PreparedCase {
  return async (engine) => {
    const outputs = nameOutputs(await engine.attention(inputs));
    return new Map(Object.entries(givenOf<Record<string, TensorLike>>(outputs)));
  };
}

/** The fields that a case gives: those that aren't undefined. */
export function givenOf<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
