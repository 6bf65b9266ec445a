// The settings of attention, for every command that computes or explains it, and what they demand of each other.
import * as z from 'zod';
import { alignments } from '../attention/options.js';
import { heads } from './shared-settings.js';

const alignment = z.enum(alignments);

/** The layer, and all that its attention can be asked on a command line. */
export const createAttentionSettings = () =>
  z.strictObject({
    weights: z.string().describe('state dict of a PyTorch nn.MultiheadAttention (.safetensors)'),
    layer: z.string().default('').describe('prefix of the weights in the state dict'),
    heads,
    kvHeads: z.int().min(1).optional().describe('key/value heads; default: heads'),
    addZeroAttention: z.boolean().default(false).describe("add_zero_attn of PyTorch's module"),
    causal: z
      .union([z.boolean(), alignment])
      .default(false)
      .describe('attend no later tokens: true, top-left or bottom-right'),
    alignment: alignment
      .optional()
      .describe('where the diagonal starts; needed where keys are not as many as queries'),
    windowLeft: z.int().min(0).optional().describe('earlier tokens that a query attends; default: all'),
    windowRight: z.int().min(0).optional().describe('later tokens that a query attends; default: all'),
    scale: z.number().optional().describe('factor of the scores; default: 1 / sqrt(headDim)'),
    softcap: z.number().positive().optional().describe('c: a score s becomes c * tanh(s / c)'),
    alibi: z
      .boolean()
      .default(false)
      .describe('lower scores by distance, with the slopes of the ALiBi paper'),
    sinks: z
      .array(z.number())
      .optional()
      .describe("logits that join the softmax's denominator, one a head: a,b,..."),
    headScale: z
      .array(z.number())
      .optional()
      .describe("factors of the heads' outputs, one a head: a,b,...; 0 skips the head"),
    ropeBase: z
      .number()
      .positive()
      .optional()
      .describe('turn queries and keys by their positions (RoPE); 10000 in most models'),
    ropeDims: z.int().min(2).multipleOf(2).optional().describe('how many dims of a head turn; default: all'),
    ropeInterleaved: z
      .boolean()
      .default(false)
      .describe('turn pairs (2i, 2i + 1) instead of (i, i + dims / 2)'),
  });

export type AttentionSettings = z.output<ReturnType<typeof createAttentionSettings>>;

/** What they demand of each other; the message of an issue is what was expected. */
export function checkAttention(settings: AttentionSettings, context: z.core.$RefinementCtx): void {
  const refuse = (field: keyof AttentionSettings, message: string): void => {
    context.addIssue({ code: 'custom', path: [field], message });
  };
  const { heads: count, causal, ropeBase, ropeDims, ropeInterleaved } = settings;
  if (typeof causal === 'string' && ![undefined, causal].includes(settings.alignment))
    refuse('alignment', `${causal}, as \`--causal\` says,`);
  for (const field of ['sinks', 'headScale'] as const) {
    if (![undefined, count].includes(settings[field]?.length))
      refuse(field, `a list of ${count} numbers, one a head,`);
  }
  if (ropeBase !== undefined) return;
  if (ropeDims !== undefined) refuse('ropeDims', '`--rope-base` beside it');
  if (ropeInterleaved) refuse('ropeInterleaved', '`--rope-base` beside it');
}
