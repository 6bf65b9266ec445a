// What the registry must know of a family of checkpoints: the names of an attention layer's tensors, and what they mean.
import type { AttentionOptions } from '../attention/options.js';
import type { MultiHeadWeights } from '../attention/weights.js';
import type { Tensor } from '../core/tensor/tensor.js';
import type { StoredTensor } from '../files/storage.js';
import type { ModelConfig } from './model-config.js';

/** The options of a call that hold where nothing else is given, because the model was trained with them. */
export type LayerDefaults = Pick<AttentionOptions, 'causal' | 'window' | 'scale' | 'rope' | 'qkNorm'>;

/** A layer as the headers tell it. */
export interface StoredLayer {
  readonly family: Family;
  /** In front of the names of its tensors, with its last dot. */
  readonly prefix: string;
  /** The last number in the prefix; undefined if there is none. */
  readonly index: number | undefined;
  /** Those that the family takes, by the rest of their names. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** All names below the prefix, without it. */
  readonly names: readonly string[];
}

/** One of the four matrices, as [rows, columns] of y = x · Wᵀ, and the tensor that it is a part of. */
export interface Projection {
  readonly tensor: string;
  readonly rows: number;
  readonly columns: number;
}

export type Projections = Readonly<Record<'query' | 'key' | 'value' | 'output', Projection>>;

/** The two axes of a tensor. @throws INVALID_WEIGHTS if it has others */
export type MatrixOf = (name: string) => readonly [number, number];

/** What is known of a layer besides its numbers. */
export interface LayerFacts {
  readonly heads: number;
  readonly headDim: number;
  readonly index: number | undefined;
  readonly config: ModelConfig | undefined;
}

/** The norms of queries and keys, in families that have them. */
export const normNames = ['q_norm.weight', 'k_norm.weight'] as const;

export type Tensors = ReadonlyMap<string, Tensor>;

export interface Family {
  readonly name: string;
  /** The `model_type`s of config.json whose layers it reads; undefined: any. */
  readonly modelTypes: readonly string[] | undefined;
  /** What the prefix of a layer ends with. */
  readonly place: string;
  /** Names of tensors, each of which tells that a layer is there. */
  readonly marks: readonly string[];
  /** Tensors that a layer can't be without. */
  needs(has: (name: string) => boolean): readonly string[];
  /** Those that it may have. */
  readonly optional: readonly string[];
  /** Those that make a layer compute something else. */
  readonly refused?: readonly string[];
  /** The fields of config.json that say the number of heads. */
  readonly headFields: readonly string[];
  projectionsOf(matrixOf: MatrixOf, has: (name: string) => boolean): Projections;
  /** @throws INVALID_FILE for a config.json that says what can't be computed */
  defaultsOf(facts: LayerFacts, configFolder: string): LayerDefaults;
  weightsOf(tensors: Tensors, facts: LayerFacts): MultiHeadWeights;
  /** Weights of the norms of queries and keys, where there may be some. */
  normOf?(tensors: Tensors, facts: LayerFacts): LayerDefaults['qkNorm'];
}
