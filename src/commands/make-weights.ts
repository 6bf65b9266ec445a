// headpool make-weights: seeded Xavier weights as a PyTorch state dict.
import type { CommandModule } from 'yargs';
import { headRecords } from '../checkpoints/settle-heads.js';
import { weightsToTorch } from '../checkpoints/torch.js';
import { createXavierWeights } from '../attention/xavier.js';
import { exists } from '../files/open-file.js';
import { writeStateDict } from '../files/state-dict.js';
import { shareFloats } from '../attention/share-operands.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import { prepareMade } from './prepare-made.js';

export const makeWeightsCommand: CommandModule<object, CommonArgs> = {
  command: 'make-weights',
  describe: 'Write seeded Xavier weights as a PyTorch state dict (.safetensors)',
  builder: (yargs) => addFlags(yargs, 'make-weights'),
  handler: async (args) => {
    const {
      output,
      modelDim,
      heads,
      kvHeads = heads,
      seed,
      ifMissing,
    } = await settingsOf('make-weights', args);
    if (ifMissing && (await exists(output))) return;
    await prepareMade(output, args.config);
    const stateDict = weightsToTorch(createXavierWeights({ modelDim, heads, kvHeads, seed }));
    const tensors = new Map([...stateDict].map(([name, tensor]) => [name, shareFloats(name, tensor)]));
    const records = [
      [headRecords.heads, heads],
      [headRecords.kvHeads, kvHeads],
      ['seed', seed],
    ] as const;
    await writeStateDict(output, tensors, new Map(records.map(([name, value]) => [name, String(value)])));
    const summary = { output, modelDim, heads, kvHeads, seed };
    const grouped = kvHeads === heads ? '' : `, ${kvHeads} for keys and values`;
    console.log(
      args.json
        ? JSON.stringify(summary)
        : `${output}: weights of ${heads} heads${grouped}, modelDim ${modelDim}`,
    );
  },
};
