// headpool make-sequences: a seeded file of random sequences of many lengths, for demos, tests and measurements.
import type { CommandModule } from 'yargs';
import { expected } from '../core/errors.js';
import { refuseOverDisk } from '../files/disk-room.js';
import { exists } from '../files/open-file.js';
import { countTokens } from '../files/sequences/layout.js';
import { writableFormatOf } from '../files/sequences/formats.js';
import { leastNumberBytes } from '../files/sequences/least-bytes.js';
import { createSequenceWriter } from '../files/sequences/sequence-writer.js';
import { formatCount } from '../page/figures.js';
import { toOneLine } from '../page/table.js';
import { createRandom } from '../core/tensor/random.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import type { Output } from './outputs/output.js';
import type { makeSequencesOutput } from './outputs/small-outputs.js';
import { prepareMade } from './prepare-made.js';
import { print, printJson } from './terminal.js';

export const makeSequencesCommand: CommandModule<object, CommonArgs> = {
  command: 'make-sequences',
  describe: 'Write seeded random sequences of many lengths (.safetensors, .npy, .jsonl, .arrow, .parquet)',
  builder: (yargs) => addFlags(yargs, 'make-sequences'),
  handler: async (args) => {
    const settings = await settingsOf('make-sequences', args);
    const { output, sequences, minLength, maxLength, modelDim, seed, ifMissing } = settings;
    if (maxLength < minLength)
      throw expected('INVALID_OPTION', `at least minLength (${minLength})`, 'maxLength', maxLength);
    if (ifMissing && (await exists(output))) return;
    const { name } = writableFormatOf(output, 'output');
    await prepareMade(output, args.config);

    const random = createRandom(seed);
    const lengths = Array.from(
      { length: sequences },
      () => minLength + Math.floor(random.uniform() * (maxLength - minLength + 1)),
    );
    const tokens = countTokens(lengths);
    const rowBytes = modelDim * leastNumberBytes(name, 'f32');
    await refuseOverDisk([{ path: output, byteLength: tokens * rowBytes }]);
    const writer = await createSequenceWriter(output, {
      modelDim,
      metadata: new Map([['seed', String(seed)]]),
    });
    // One sequence at a time: a file may be larger than memory.
    for (const length of lengths) {
      const rows = new Float32Array(length * modelDim);
      for (let n = 0; n < rows.length; n++) rows[n] = random.normal();
      await writer.append({ lengths: [length] }, rows);
    }
    await writer.commit();
    const summary: Output<typeof makeSequencesOutput> = {
      ...{ format: 1, output, sequences, tokens, modelDim, seed },
    };
    const text = `${output}: ${formatCount(sequences)} sequences, ${formatCount(tokens)} tokens, modelDim ${modelDim}`;
    if (args.json === true) printJson(summary);
    else print(toOneLine(text));
  },
};
