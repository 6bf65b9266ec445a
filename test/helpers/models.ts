// The tiny checkpoints of test/conformance/models, and what their models make of three sequences.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readStateDict, type Tensor } from '../../src/index.js';
import type { ModelConfigFields } from './model-block.js';

export const modelsFolder = 'test/conformance/models';

/** Folders, with what `headpool layers` must call the family and where the first layer is. */
export const models = {
  bert: { family: 'bert', first: 'bert.encoder.layer.0.attention' },
  'bert-without-prefix': { family: 'bert', first: 'encoder.layer.0.attention' },
  roberta: { family: 'roberta', first: 'roberta.encoder.layer.0.attention' },
  distilbert: { family: 'distilbert', first: 'distilbert.transformer.layer.0.attention' },
  gpt2: { family: 'gpt2', first: 'transformer.h.0.attn' },
  'gpt-neox': { family: 'gpt_neox', first: 'gpt_neox.layers.0.attention' },
  llama: { family: 'llama', first: 'model.layers.0.self_attn' },
  'mistral-window': { family: 'mistral', first: 'model.layers.0.self_attn' },
  qwen2: { family: 'qwen2', first: 'model.layers.0.self_attn' },
  qwen3: { family: 'qwen3', first: 'model.layers.0.self_attn' },
  'torch-encoder': { family: 'torch', first: 'layers.0.self_attn' },
  'torch-encoder-norm-first': { family: 'torch', first: 'layers.0.self_attn' },
} as const;

export type ModelName = keyof typeof models;
export const modelNames = Object.keys(models) as readonly ModelName[];

/** Of each of them. */
export const [layers, heads, modelDim] = [3, 6, 48];
/** Their sequences are 0, 1 and 2, of 1, 9 and 23 tokens. */
export const sequences = [0, 1, 2];
export const tolerance = { absolute: 1e-4, relative: 1e-3 };

export interface Model {
  readonly path: string;
  readonly config: ModelConfigFields;
  readonly state: ReadonlyMap<string, Tensor>;
  /** `n.hidden.i`, `n.attentions.i`. */
  readonly expected: ReadonlyMap<string, Tensor>;
}

export async function readModel(name: ModelName): Promise<Model> {
  const path = join(modelsFolder, name);
  return {
    path,
    config: JSON.parse(await readFile(join(path, 'config.json'), 'utf8')) as ModelConfigFields,
    state: await readStateDict(join(path, 'model.safetensors')),
    expected: await readStateDict(join(path, 'expected.safetensors')),
  };
}
