// headpool make-weights: seeded Xavier weights as a PyTorch state dict.
import type { CommandModule } from 'yargs';
import { headRecords } from '../checkpoints/settle-heads.js';
import { weightsToTorch } from '../checkpoints/torch.js';
import { createXavierWeights } from '../attention/xavier.js';
import { exists } from '../files/open-file.js';
import { writeStateDict } from '../files/state-dict.js';
import { toOneLine } from '../page/table.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import type { Output } from './outputs/output.js';
import type { makeWeightsOutput } from './outputs/small-outputs.js';
import { prepareMade } from './prepare-made.js';
import { print, printJson } from './terminal.js';

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
    const records = [
      [headRecords.heads, heads],
      [headRecords.kvHeads, kvHeads],
      ['seed', seed],
    ] as const;
    await writeStateDict(output, stateDict, new Map(records.map(([name, value]) => [name, String(value)])));
    const summary: Output<typeof makeWeightsOutput> = { format: 1, output, modelDim, heads, kvHeads, seed };
    const grouped = kvHeads === heads ? '' : `, ${kvHeads} for keys and values`;
    if (args.json === true) printJson(summary);
    else print(toOneLine(`${output}: weights of ${heads} heads${grouped}, modelDim ${modelDim}`));
  },
};
