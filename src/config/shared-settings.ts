// Settings that several commands have.
import * as z from 'zod';
import { kernelNames } from '../core/protocol/kernels.js';

export const threads = z.int().min(1).max(1024).optional().describe('worker threads; default: all cores');
export const kernel = z
  .enum(['auto', ...kernelNames])
  .default('auto')
  .describe('which kernel computes');
export const seed = z
  .int()
  .min(0)
  .max(2 ** 32 - 1)
  .default(0)
  .describe('seed of the random numbers');
export const heads = z.int().min(1).describe('attention heads');
export const modelDim = z.int().min(1).describe('width of a token');
export const ifMissing = z.boolean().default(false).describe('do nothing if the output exists');
