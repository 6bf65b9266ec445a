// headpool make-weights: seeded Xavier weights as a PyTorch state dict.
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CommandModule } from 'yargs';
import { weightsToTorch } from '../checkpoints/torch.js';
import { createXavierWeights } from '../attention/xavier.js';
import { exists } from '../files/open-file.js';
import { writeStateDict } from '../files/state-dict.js';
import { shareFloats } from '../attention/share-operands.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';

export const makeWeightsCommand: CommandModule<object, CommonArgs> = {
  command: 'make-weights',
  describe: 'Write seeded Xavier weights as a PyTorch state dict (.safetensors)',
  builder: (yargs) => addFlags(yargs, 'make-weights'),
  handler: async (args) => {
    const { output, modelDim, heads, seed, ifMissing } = await settingsOf('make-weights', args);
    if (ifMissing && (await exists(output))) return;
    await mkdir(dirname(output), { recursive: true });
    const stateDict = weightsToTorch(createXavierWeights({ modelDim, heads, seed }));
    const tensors = new Map([...stateDict].map(([name, tensor]) => [name, shareFloats(name, tensor)]));
    await writeStateDict(output, tensors, new Map([['seed', String(seed)]]));
    const summary = { output, modelDim, heads, seed };
    console.log(
      args.json ? JSON.stringify(summary) : `${output}: weights of ${heads} heads, modelDim ${modelDim}`,
    );
  },
};
