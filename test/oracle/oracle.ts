// The float64 oracle: attention and a whole layer as plain loops over materialised scores, in the order in which the
// formula reads. It shares no code with any kernel; precision is measured against it, speed never.
export { attendOracle } from './oracle-attention.js';
export {
  multiHeadOracle,
  type OracleLayerInputs,
  type OracleLayerOptions,
  type OracleLayerResult,
  type OracleLinear,
  type OracleWeights,
} from './oracle-layer.js';
export { statisticsOf, type OracleStatistics, type WeighedRows } from './oracle-statistics.js';
export type { OracleDims, OracleInputs, OracleOptions, OracleResult, OracleStage } from './oracle-types.js';
