// The settings of `headpool explain`: one query of one head, and the layer around it.
import * as z from 'zod';
import { createAttentionSettings, checkAttention } from './attention-settings.js';

const index = z.int().min(0);

export const createExplainSettings = () =>
  z
    .strictObject({
      input: z.string().describe('.npy or .safetensors file of sequences'),
      keyInput: z
        .string()
        .optional()
        .describe('sequences to attend (cross-attention); default: the input itself'),
      sequence: index.default(0).describe('which sequence of the file, from 0'),
      head: index.describe('which head, from 0'),
      query: index.describe('which token of the sequence attends, from 0'),
      key: index
        .optional()
        .describe('which token is attended, from 0; default: those with the largest weights'),
      ...createAttentionSettings().shape,
    })
    .superRefine(checkAttention);
