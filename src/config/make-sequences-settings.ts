// The settings of `headpool make-sequences`: a file of random sequences.
import * as z from 'zod';
import { ifMissing, modelDim, seed } from './shared-settings.js';

export const createMakeSequencesSettings = () =>
  z.strictObject({
    output: z.string().describe('file to write: .safetensors, .npy, .jsonl or .arrow'),
    sequences: z.int().min(1).default(256).describe('number of sequences'),
    minLength: z.int().min(0).default(16).describe('tokens of the shortest sequence'),
    maxLength: z.int().min(1).default(1024).describe('tokens of the longest sequence'),
    modelDim,
    seed,
    ifMissing,
  });
