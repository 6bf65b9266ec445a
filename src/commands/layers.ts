// headpool layers: the attention layers of a checkpoint, and the line that runs one. Only headers are read.
import type { CommandModule } from 'yargs';
import { openCheckpoint, type Checkpoint } from '../checkpoints/checkpoint.js';
import { layersOf } from '../checkpoints/choose-layer.js';
import { describeLayer, isRefusal, outlineLayer } from '../checkpoints/describe-layer.js';
import type { LayerDefaults, StoredLayer } from '../checkpoints/family.js';
import { formatTextTable, toOneLine, type Column } from '../page/table.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import { formatDefaults } from './layer-text.js';
import type { Output } from './outputs/output.js';
import type { layersOutput, ListedLayer } from './outputs/small-outputs.js';
import { print, printJson, printTable } from './terminal.js';

export const layersCommand: CommandModule<object, CommonArgs> = {
  command: 'layers [checkpoint]',
  describe: 'List the attention layers of a checkpoint, and the line that runs one',
  builder: (yargs) =>
    addFlags(yargs, 'layers')
      .example('$0 layers model.safetensors', 'the layers of a file')
      .example('$0 layers models/bert-base/', 'those of a folder, with its config.json'),
  handler: async (args) => {
    const { checkpoint: path } = await settingsOf('layers', args);
    await using checkpoint = await openCheckpoint(path);
    const layers = layersOf(checkpoint).map((stored) => listLayer(checkpoint, stored));
    const run = runLine(path, layers);
    if (args.json === true) {
      const output: Output<typeof layersOutput> = { format: 1, path, files: checkpoint.files, layers, run };
      printJson(output);
      return;
    }
    printTable(formatTextTable({ columns, rows: layers }));
    for (const problem of new Set(layers.map((layer) => layer.problem))) {
      if (problem !== null) print(`\n${toOneLine(problem)}`);
    }
    if (run !== null) print(`\n${toOneLine(run)}`);
  },
};

function listLayer(checkpoint: Checkpoint, stored: StoredLayer): ListedLayer {
  const { index, ...outline } = outlineLayer(checkpoint, stored);
  const known = { ...outline, index: index ?? null };
  try {
    const { kvHeads, facts, defaults, hasNorms } = describeLayer(checkpoint, stored, {});
    const { heads, headDim } = facts;
    return { ...known, heads, kvHeads, headDim, defaults: pick(defaults), hasNorms, problem: null };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const { message, code } = error;
    const problem = code === 'INVALID_OPTION' ? null : message;
    return { ...known, heads: null, kvHeads: null, headDim: null, defaults: {}, hasNorms: false, problem };
  }
}

/** The options that are no tensors. */
function pick({ causal, window, scale, rope }: LayerDefaults): ListedLayer['defaults'] {
  return {
    ...(causal !== undefined && { causal }),
    ...(window && { window }),
    ...(scale !== undefined && { scale }),
    ...(rope && { rope: pickRope(rope) }),
  };
}

function pickRope({ base, dims, interleaved }: NonNullable<LayerDefaults['rope']>) {
  return { base, ...(dims !== undefined && { dims }), ...(interleaved !== undefined && { interleaved }) };
}

const columns: readonly Column<ListedLayer>[] = [
  { title: 'layer', value: ({ index }) => index },
  { title: 'name', value: ({ name }) => name },
  { title: 'family', value: ({ family }) => family },
  { title: 'heads', value: ({ heads }) => heads },
  { title: 'kv heads', value: ({ kvHeads }) => kvHeads },
  { title: 'headDim', value: ({ headDim }) => headDim },
  { title: 'modelDim', value: ({ modelDim }) => modelDim },
  { title: 'dtype', value: ({ dtypes }) => dtypes.join(' ') },
  { title: 'options', value: ({ defaults, hasNorms }) => formatDefaults(defaults, hasNorms).join(', ') },
];

/** What to type to run the first layer that can be run. */
function runLine(path: string, layers: readonly ListedLayer[]): string | null {
  const layer = layers.find(({ problem }) => problem === null);
  if (layer === undefined) return null;
  const { index, name, heads } = layer;
  const isAlone = layers.filter((other) => other.index === index).length === 1;
  const which = layers.length === 1 ? '' : ` --layer ${index !== null && isAlone ? index : quote(name)}`;
  const line = `headpool run -i x.safetensors --weights ${quote(path)}${which}`;
  // Where the file doesn't tell the heads, who runs it must.
  return `${line}${heads === null ? ' --heads HEADS' : ''} -o y.safetensors`;
}

/** For a shell, where it would read more than a word into it. */
function quote(word: string): string {
  return /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
