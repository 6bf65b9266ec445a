// headpool explain: why one query of a file attends a key as much as it does, in float64 and without an engine.
import type { CommandModule } from 'yargs';
import { denseBatch } from '../attention/batch.js';
import { explainLayerRow } from '../attention/explain.js';
import { explainKey, rankedKeys, type ExplainedRow } from '../attention/explain-row.js';
import { resolveOptions } from '../attention/resolve-options.js';
import { loadLayer } from '../checkpoints/load-layer.js';
import { resolveWeights, type Linear } from '../attention/weights.js';
import { optionsOf } from '../config/attention-settings.js';
import type { Settings } from '../config/schemas.js';
import { tensorChoiceOf } from '../config/tensor-settings.js';
import { expected, HeadpoolError } from '../core/errors.js';
import { openSequences } from '../files/sequences/formats.js';
import type { TensorChoice } from '../files/sequences/sequences.js';
import { allocateFor } from '../files/allocate.js';
import { createTensor, type Tensor } from '../core/tensor/tensor.js';
import { checkAlignment } from './check-alignment.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import { formatKey, formatRow } from './explain-text.js';
import type { explainedKey, explainedQuery } from './outputs/explain-output.js';
import type { Output } from './outputs/output.js';
import { print, printJson } from './terminal.js';

// How many keys are listed where none is named.
const mostListed = 10;

export const explainCommand: CommandModule<object, CommonArgs> = {
  command: 'explain',
  describe: 'Show step by step how much a query of a file attends a key, and why',
  builder: (yargs) => addFlags(yargs, 'explain').example(explainExample),
  handler: async (args) => {
    const settings = await settingsOf('explain', args);
    const row = await readRow(settings);
    if (settings.key !== undefined) {
      const explanation = explainKey(row, settings.key);
      const output: Output<typeof explainedKey> = { format: 1, ...explanation };
      if (args.json === true) printJson(output, nameNonFinite);
      else print(formatKey(settings.input, row, explanation));
      return;
    }
    const ranked = rankedKeys(row);
    const largest = ranked.slice(0, mostListed).map((key) => explainKey(row, key));
    if (args.json === true) {
      const { place, maximum, logSumExp } = row;
      const counts = { attended: ranked.length, leftOut: row.keys.length - ranked.length };
      const output: Output<typeof explainedQuery> = {
        ...{ format: 1, at: place, ...counts, maximum, logSumExp, keys: largest },
      };
      printJson(output, nameNonFinite);
    } else {
      print(formatRow(settings.input, row, largest));
    }
  },
};

const explainLayerArgs = '--input x.safetensors --weights w.safetensors';
const explainExample: [string, string][] = [
  [`$0 explain ${explainLayerArgs} --head 3 --query 17`, `the ${mostListed} keys that it attends most`],
  [`$0 explain ${explainLayerArgs} --head 3 --query 17 --key 20 --causal`, 'one key, step by step'],
];

/** The row in question; its batch is the file, whose entries are the sequences. */
async function readRow(settings: Settings<'explain'>): Promise<ExplainedRow> {
  const { input, keyInput = input, sequence, head, query: token } = settings;
  const { layer, heads, kvHeads, addZeroAttention } = settings;
  const loaded = await loadLayer(settings.weights, { layer, heads, kvHeads, addZeroAttention });
  const weights = resolveWeights(loaded.weights, loaded.heads, loaded.kvHeads);
  const place = { sequence, tensors: tensorChoiceOf(settings.tensor, settings.lengths) };
  const query = await readSequence(input, place, 'query', weights.query);
  const key = await readSequence(keyInput, place, 'key', weights.key);

  const wishes = optionsOf(settings, loaded.heads, loaded.defaults);
  checkAlignment(wishes, [query.shape[0]!], [key.shape[0]!]);
  const lengths = { keyLengths: undefined, offsets: undefined, keyOffsets: undefined };
  const batch = denseBatch(1, query.shape[0]!, key.shape[0]!, lengths);
  const options = resolveOptions(wishes, weights, batch, []);
  const row = explainLayerRow(weights, { query, key, batch, options }, { head, query: token });
  return { ...row, place: { ...row.place, batch: sequence } };
}

/** One sequence [tokens, modelDim] of a file. @throws INVALID_FILE, FILE_FAILED, INVALID_OPTION, INVALID_SHAPE */
async function readSequence(
  path: string,
  { sequence, tensors }: { readonly sequence: number; readonly tensors: TensorChoice | undefined },
  name: string,
  { inputs }: Linear,
): Promise<Tensor> {
  const reader = await openSequences(path, tensors);
  try {
    const { count, lengths, modelDim } = reader;
    if (modelDim !== inputs) {
      const what = `expected modelDim ${inputs}, as the ${name} weights have, got ${modelDim}`;
      throw new HeadpoolError('INVALID_SHAPE', `${path}: ${what}`);
    }
    if (sequence >= count) {
      throw expected('INVALID_OPTION', `one of the ${count} sequences of ${path}`, 'sequence', sequence);
    }
    const tensor = allocateFor(path, () => createTensor([lengths[sequence]!, modelDim]));
    await reader.read(sequence, 1, tensor.data);
    return tensor;
  } finally {
    await reader.close();
  }
}

/** JSON has no infinities and no NaN, so they are words in it. */
function nameNonFinite(_: string, field: unknown): unknown {
  return typeof field === 'number' && !Number.isFinite(field) ? String(field) : field;
}
