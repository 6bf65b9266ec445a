// One attention layer of a checkpoint as an engine takes it: weights, heads, and the options that the model was trained
// with. Of the file only its header and the tensors of the layer are read.
import type { MultiHeadWeights } from '../attention/weights.js';
import { expected } from '../core/errors.js';
import { readObject } from '../core/read-object.js';
import type { Tensor } from '../core/tensor/tensor.js';
import { openCheckpoint, type Checkpoint } from './checkpoint.js';
import { chooseLayer, nameOf } from './choose-layer.js';
import { describeLayer, familyNameOf } from './describe-layer.js';
import type { LayerDefaults } from './family.js';

export interface LoadLayerOptions {
  /** Its number, or a prefix of its tensors' names with or without the last dot; needed where there are several. */
  readonly layer?: number | string | undefined;
  /** Needed where neither the file nor a config.json beside it tells; else it must be the same. */
  readonly heads?: number | undefined;
  /** Follows from shapes; must be the same. */
  readonly kvHeads?: number | undefined;
  /** `add_zero_attn` of PyTorch's module, which its file doesn't tell; default false. */
  readonly addZeroAttention?: boolean | undefined;
}

/** `engine.multiHeadAttention({ heads, kvHeads, weights, ...defaults })` makes a layer of it. */
export interface LoadedLayer {
  /** What config.json calls the model, else the family that the tensors' names show. */
  readonly family: string;
  /** The prefix of its tensors' names, without the last dot. */
  readonly name: string;
  readonly index: number | undefined;
  readonly weights: MultiHeadWeights;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Options of every call that doesn't say otherwise: causal, window, scale, rope, qkNorm. */
  readonly defaults: LayerDefaults;
}

const optionNames = ['layer', 'heads', 'kvHeads', 'addZeroAttention'];

/**
 * An attention layer from a .safetensors file, from the index of several (`model.safetensors.index.json`), or from a
 * folder with either. F16, BF16 and F64 become float32.
 * @throws INVALID_OPTION if there is no such layer or heads are missing or wrong; INVALID_WEIGHTS for tensors that are
 * missing or don't fit; INVALID_FILE for a damaged file and for a config.json that asks for what can't be computed;
 * FILE_FAILED, MEMORY_LIMIT
 */
export async function loadLayer(path: string, options: LoadLayerOptions = {}): Promise<LoadedLayer> {
  const read = readObject(options, { name: 'options', kind: 'option', fields: optionNames });
  await using checkpoint = await openCheckpoint(path);
  return await loadLayerOf(checkpoint, read);
}

/** The same of a checkpoint that is open. */
export async function loadLayerOf(
  checkpoint: Checkpoint,
  { layer, addZeroAttention = false, ...given }: LoadLayerOptions,
): Promise<LoadedLayer> {
  const stored = chooseLayer(checkpoint, layer);
  const { kvHeads, facts, defaults } = describeLayer(checkpoint, stored, given);
  const { family, prefix, index } = stored;
  if (addZeroAttention && family.modelTypes !== undefined) {
    throw expected('INVALID_OPTION', `false for a layer of ${family.name}`, 'addZeroAttention', true);
  }
  const tensors = new Map<string, Tensor>();
  for (const name of stored.tensors.keys()) tensors.set(name, await checkpoint.readTensor(prefix + name));
  const qkNorm = family.normOf?.(tensors, facts);
  return {
    family: familyNameOf(checkpoint, stored),
    name: nameOf(stored),
    index,
    weights: { ...family.weightsOf(tensors, facts), ...(addZeroAttention && { addZeroAttention }) },
    heads: facts.heads,
    kvHeads,
    headDim: facts.headDim,
    defaults: { ...defaults, ...(qkNorm !== undefined && { qkNorm }) },
  };
}
