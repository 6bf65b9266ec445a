// The settings of `headpool make-weights`: the weights of a random layer.
import * as z from 'zod';
import { heads, ifMissing, modelDim, seed } from './shared-settings.js';

export const createMakeWeightsSettings = () =>
  z.strictObject({
    output: z.string().describe('.safetensors file to write'),
    modelDim,
    heads,
    seed,
    ifMissing,
  });
