// What a conformance case is, what an adapter makes of it, and what comes out. Types only.
import type { Engine } from '../engine/engine.js';
import type { StorageType } from '../files/storage.js';
import type { Shape } from '../core/tensor/shape.js';
import type { TensorLike } from '../core/tensor/tensor.js';

/** A tensor of a case: floats widened to float32, integers as float64, booleans as 0 and 1. */
export interface CaseTensor {
  readonly shape: Shape;
  /** As the file stores it; outputs are compared at this precision. */
  readonly dtype: StorageType;
  readonly data: Float32Array | Float64Array | Uint8Array;
}

export type CaseKind = 'onnx-attention' | 'torch-multihead' | 'extended';

export interface ConformanceCase {
  readonly name: string;
  readonly kind: CaseKind;
  /** The cases.json that names it, and where in there, e.g. `cases[3]`; for messages. */
  readonly path: string;
  readonly field: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Named `input.*`, `state.*` and `output.*`. */
  readonly tensors: ReadonlyMap<string, CaseTensor>;
}

/** The part of an engine that cases call. */
export type ConformanceEngine = Pick<Engine, 'attention' | 'multiHeadAttention'>;

/** What was computed, under the names of the suite's outputs. */
export type Outputs = ReadonlyMap<string, TensorLike>;

/** A case in headpool's terms: the call to make. */
export type PreparedCase = (engine: ConformanceEngine) => Promise<Outputs>;

/**
 * Translates a case; the only place that knows its suite's names and conventions.
 * @throws INVALID_FILE for an attribute or input that the suite doesn't define
 */
export type Adapter = (source: ConformanceCase) => PreparedCase;
