// The settings that choose tensors in files of several, for commands that read sequences.
import * as z from 'zod';
import type { TensorChoice } from '../files/sequences/sequences.js';

export const tensorSettings = () => ({
  tensor: z
    .string()
    .optional()
    .describe(
      'tensor of a .safetensors or .npz file that is meant; default: all, each a sequence, or the only one',
    ),
  lengths: z
    .string()
    .optional()
    .describe(
      'its tensor of lengths [n], or mask [n, tokens] of 0 and 1, for padding; default: lengths or attention_mask, if one is there',
    ),
});

/** What was chosen; undefined if nothing was. */
export function tensorChoiceOf(
  tensor: string | undefined,
  lengths: string | undefined,
): TensorChoice | undefined {
  if (tensor === undefined && lengths === undefined) return undefined;
  return { ...(tensor !== undefined && { tensor }), ...(lengths !== undefined && { lengths }) };
}
