// One layer and its inputs described once: random weights of any widths, and the check of a call against the oracle.
import type { ExecutionContext } from 'ava';
import type { AttentionOptions, AttentionResult, Engine, MultiHeadWeights, Tensor } from '../../src/index.js';
import {
  multiHeadOracle,
  type OracleLayerOptions,
  type OracleLayerResult,
  type OracleWeights,
} from '../oracle/oracle.js';
import { oracleOptions, type CaseOptions } from './attention-case.js';
import { multiHeadNaive32 } from './naive32.js';
import { addResult } from './precision-pools.js';
import { normalTensor } from './random.js';
import { assertClose, findDeviation } from './tolerance.js';

export interface LayerWidths {
  readonly heads: number;
  readonly kvHeads?: number;
  readonly headDim: number;
  readonly valueDim?: number;
  readonly modelDim: number;
  readonly keyWidth?: number;
  readonly valueWidth?: number;
  readonly outputDim?: number;
  readonly hasBias?: boolean;
  readonly hasBiasKey?: boolean;
  readonly addZeroAttention?: boolean;
  readonly seed?: number;
}

/** Random weights that keep normal inputs about as large as they are. */
export function layerWeights(widths: LayerWidths): MultiHeadWeights & OracleWeights {
  const { heads, kvHeads = heads, headDim, valueDim = headDim, modelDim, seed = 1, hasBias = true } = widths;
  const { keyWidth = modelDim, valueWidth = keyWidth, outputDim = modelDim, hasBiasKey = false } = widths;
  const linear = (outputs: number, inputs: number, n: number) => ({
    weight: normalTensor([outputs, inputs], 100 * seed + n, 1 / Math.sqrt(inputs)),
    ...(hasBias && { bias: normalTensor([outputs], 100 * seed + n + 10, 0.5) }),
  });
  return {
    query: linear(heads * headDim, modelDim, 0),
    key: linear(kvHeads * headDim, keyWidth, 1),
    value: linear(kvHeads * valueDim, valueWidth, 2),
    output: linear(outputDim, heads * valueDim, 3),
    ...(hasBiasKey && {
      biasKey: normalTensor([kvHeads * headDim], 100 * seed + 20),
      biasValue: normalTensor([kvHeads * valueDim], 100 * seed + 21),
    }),
    addZeroAttention: widths.addZeroAttention ?? false,
  };
}

export interface LayerCall {
  readonly widths: Pick<LayerWidths, 'heads' | 'kvHeads'>;
  readonly weights: MultiHeadWeights & OracleWeights;
  readonly query: Tensor;
  /** Absent: self-attention. */
  readonly key?: Tensor;
  readonly value?: Tensor;
  readonly options?: Pick<CaseOptions, 'scale' | 'causal' | 'keyLengths' | 'mask' | 'bias'> &
    Pick<AttentionOptions, 'offsets' | 'keyOffsets'>;
  /** Default: what a dense batch can return. */
  readonly returnWeights?: boolean;
}

/** Runs one call on a layer of its own and holds all that it returns against the oracle. */
export async function checkLayer(
  t: ExecutionContext,
  engine: Engine,
  call: LayerCall,
): Promise<AttentionResult> {
  const { widths, weights, query, key = query, value = key, options = {} } = call;
  const { heads, kvHeads = heads } = widths;
  using layer = await engine.multiHeadAttention({ heads, kvHeads, weights });
  const isDense = options.offsets === undefined;
  const { returnWeights = isDense } = call;
  const ask = { returnWeights, returnLogSumExp: isDense };
  const input = call.key === undefined ? query : { query, key, value };
  const result = await layer.forward(input, { ...options, ...ask });

  const { oracle, naive } = expectationOf(call);
  t.deepEqual(result.output.shape, [...query.shape.slice(0, -1), layer.outputDim]);
  addResult(
    t,
    'output',
    { actual: result.output.data, oracle: oracle.output, naive },
    JSON.stringify(query.shape),
  );
  if (isDense) {
    const { batch, queries, keys } = denseLengths(query, key);
    if (returnWeights) {
      const extra = (weights.biasKey ? 1 : 0) + (weights.addZeroAttention === true ? 1 : 0);
      t.deepEqual(result.weights!.shape, [batch, heads, queries, keys + extra]);
      const allWeights = oracle.entries.flatMap((e) => [...e.weights]);
      assertClose(t, result.weights!.data, allWeights, 'weights');
    }
    const sums = oracle.entries.flatMap((e) => [...e.logSumExp]);
    t.is(findDeviation(result.logSumExp!.data, sums, 5e-6, 1e-6), undefined, 'logSumExp');
  }
  return result;
}

function denseLengths(query: Tensor, key: Tensor): { batch: number; queries: number; keys: number } {
  const batch = query.shape.length === 3 ? query.shape[0]! : 1;
  return { batch, queries: query.shape.at(-2)!, keys: key.shape.at(-2)! };
}

interface Expectation {
  readonly oracle: OracleLayerResult;
  readonly naive: Float64Array;
}

const expectations = new WeakMap<LayerCall, Expectation>();

/** What the oracle and the plain program say, computed once a call however many kernels are held against it. */
function expectationOf(call: LayerCall): Expectation {
  const known = expectations.get(call);
  if (known !== undefined) return known;
  const { widths, weights, query, key = query, value = key, options = {} } = call;
  const { heads, kvHeads = heads } = widths;
  const { offsets, keyOffsets = offsets, ...rest } = options;
  const inputs = { query, key, value };
  const wanted: OracleLayerOptions = {
    heads,
    kvHeads,
    offsets,
    keyOffsets,
    ...oracleOptions(rest, { ...denseLengths(query, key), heads }),
    ...(offsets && rest.causal && { causalOffset: diagonalOf(rest.causal, offsets, keyOffsets!) }),
  };
  const expectation = {
    oracle: multiHeadOracle(weights, inputs, wanted),
    naive: multiHeadNaive32(weights, inputs, wanted),
  };
  expectations.set(call, expectation);
  return expectation;
}

function diagonalOf(
  causal: 'top-left' | 'bottom-right',
  offsets: readonly number[],
  keyOffsets: readonly number[],
) {
  if (causal === 'top-left') return () => 0;
  return (b: number) => keyOffsets[b + 1]! - keyOffsets[b]! - (offsets[b + 1]! - offsets[b]!);
}
