// The public API of headpool: exports only.
export { createEngine, type Engine, type EngineInfo, type LayerOptions } from './engine/engine.js';
export type { CloseOptions } from './engine/closing.js';
export type { Batching, EngineOptions, Logger, WhenFull } from './engine/engine-options.js';
export type { PhaseName } from './engine/assemble/assembly.js';
export type { EngineStats, Percentiles, PhaseTimes } from './engine/stats.js';
export type { CallTrace, TracedLayer } from './engine/tracing.js';
export { errorCodes, HeadpoolError, httpStatuses, type ErrorCode } from './core/errors.js';
export { alibiSlopes } from './attention/alibi.js';
export type { AttentionInputs } from './attention/attention-call.js';
export type { KeyValueCache } from './attention/cache.js';
export type { CacheOptions } from './attention/cache-options.js';
export type { DeviceCounts } from './core/protocol/device-counters.js';
export type {
  Adapter,
  AdapterLimits,
  CpuKernelName,
  Device,
  GpuKernelName,
  InstructionSetNotUsed,
  KernelName,
} from './core/protocol/kernels.js';
export type { Priority } from './core/protocol/messages.js';
export { explainAttention, type RowIndex, type WeightIndex } from './attention/explain.js';
export type { Explanation, ScoreSteps } from './attention/explain-row.js';
export type { Reason, RowPlace } from './attention/explain-rules.js';
export type { CrossInputs } from './attention/layer-call.js';
export type { AttentionResult, HeadStatistics } from './attention/result.js';
export type { MultiHeadAttention } from './engine/multi-head-attention.js';
export type {
  Alignment,
  AttentionOptions,
  QueryKeyNorm,
  RotaryOptions,
  ScoresToReturn,
} from './attention/options.js';
export {
  presets,
  type BooleanOrFloatMask,
  type FlashAttentionOptions,
  type JaxOptions,
  type JaxTokens,
  type OnnxOptions,
  type OnnxTokens,
  type TorchMultiheadOptions,
  type TorchOptions,
} from './attention/presets.js';
export type { MaskLike } from './attention/share-operands.js';
export { loadLayer, type LoadedLayer, type LoadLayerOptions } from './checkpoints/load-layer.js';
export type { LayerDefaults } from './checkpoints/family.js';
export { weightsFromTorch, weightsToTorch, type StateDict } from './checkpoints/torch.js';
export type { LinearWeights, MultiHeadWeights } from './attention/weights.js';
export { createXavierWeights, type XavierOptions } from './attention/xavier.js';
export {
  formatSafetensors,
  formatSafetensorsPieces,
  parseSafetensors,
  type FloatTensors,
  type ParseOptions,
  type SafetensorsContent,
} from './files/safetensors-bytes.js';
export { readStateDict, writeStateDict } from './files/state-dict.js';
export type { Dtype } from './core/tensor/dtype.js';
export type { Shape } from './core/tensor/shape.js';
export type { Tensor, TensorLike } from './core/tensor/tensor.js';
