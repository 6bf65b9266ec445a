// The public API of headpool: exports only.
export { createEngine, type Engine, type EngineInfo, type LayerOptions } from './engine/engine.js';
export type { EngineOptions, Logger } from './engine/engine-options.js';
export type { EngineStats } from './engine/stats.js';
export { errorCodes, HeadpoolError, type ErrorCode } from './errors.js';
export type { AttentionInputs } from './attention/attention.js';
export type { AttentionResult, CrossInputs, MultiHeadAttention } from './attention/multi-head.js';
export type { AttentionOptions } from './attention/options.js';
export type { MaskLike } from './attention/shared.js';
export { weightsFromTorch, weightsToTorch, type StateDict } from './attention/torch-weights.js';
export type { LinearWeights, MultiHeadWeights } from './attention/weights.js';
export { createXavierWeights, type XavierOptions } from './attention/xavier.js';
export { readStateDict, writeStateDict } from './files/state-dict.js';
export type { Dtype } from './tensor/dtype.js';
export type { Shape } from './tensor/shape.js';
export type { Tensor, TensorLike } from './tensor/tensor.js';
