// The rest of a transformer layer around its attention, in plain float64: norms, feed-forward and residuals as each family
// has them. Tensors are those of the checkpoint, under its own names.
import type { Tensor } from '../../src/index.js';

type State = ReadonlyMap<string, Tensor>;

export interface ModelConfigFields {
  readonly model_type: string;
  readonly hidden_act?: string;
  readonly activation?: string;
  readonly activation_function?: string;
  readonly norm_first?: boolean;
  readonly layer_norm_eps?: number;
  readonly layer_norm_epsilon?: number;
  readonly rms_norm_eps?: number;
}

/** Where things stand in a layer of a family, behind the prefix of the layer. */
interface Outline {
  /** x + attention, then a norm; a norm before each; or both branches on x. */
  readonly order: 'post' | 'pre' | 'parallel';
  readonly norms: readonly [string, string];
  readonly up: string;
  readonly down: string;
  readonly gate?: string;
  /** Matrices stored [in, out]. */
  readonly isTransposed?: boolean;
}

const llama: Outline = {
  order: 'pre',
  norms: ['input_layernorm', 'post_attention_layernorm'],
  ...{ up: 'mlp.up_proj', down: 'mlp.down_proj', gate: 'mlp.gate_proj' },
};
const bert: Outline = {
  order: 'post',
  norms: ['attention.output.LayerNorm', 'output.LayerNorm'],
  ...{ up: 'intermediate.dense', down: 'output.dense' },
};
const outlines: Readonly<Record<string, Outline>> = {
  ...{ llama, mistral: llama, qwen2: llama, qwen3: llama, bert, roberta: bert },
  distilbert: {
    order: 'post',
    norms: ['sa_layer_norm', 'output_layer_norm'],
    ...{ up: 'ffn.lin1', down: 'ffn.lin2' },
  },
  gpt2: {
    order: 'pre',
    norms: ['ln_1', 'ln_2'],
    ...{ up: 'mlp.c_fc', down: 'mlp.c_proj', isTransposed: true },
  },
  gpt_neox: {
    order: 'parallel',
    norms: ['input_layernorm', 'post_attention_layernorm'],
    ...{ up: 'mlp.dense_h_to_4h', down: 'mlp.dense_4h_to_h' },
  },
  'torch-encoder': { order: 'post', norms: ['norm1', 'norm2'], ...{ up: 'linear1', down: 'linear2' } },
};

export interface Block {
  /** What the attention takes. */
  before(hidden: Float64Array): Float64Array;
  /** What follows from it: the input of the next layer. */
  after(hidden: Float64Array, attention: Float64Array): Float64Array;
}

/** @param attentionName the layer's name in the checkpoint, `layers.0.self_attn` */
export function blockOf(config: ModelConfigFields, state: State, attentionName: string): Block {
  const outline = outlines[config.model_type]!;
  const order = config.norm_first === true ? 'pre' : outline.order;
  const prefix = attentionName.replace(/[^.]+$/, '');
  const at = (name: string, part: string): Tensor | undefined => state.get(`${prefix}${name}.${part}`);
  const norm = (name: string) => (x: Float64Array) =>
    normalise(x, at(name, 'weight')!, at(name, 'bias'), config);
  const [first, second] = outline.norms.map(norm) as [ReturnType<typeof norm>, ReturnType<typeof norm>];
  const linear = (name: string, x: Float64Array): Float64Array =>
    project(x, at(name, 'weight')!, at(name, 'bias'), outline.isTransposed === true);
  const act = activations[config.hidden_act ?? config.activation ?? config.activation_function ?? '']!;
  const feed = (x: Float64Array): Float64Array => {
    const up = linear(outline.up, x);
    const gate = outline.gate === undefined ? undefined : linear(outline.gate, x);
    return linear(outline.down, gate === undefined ? up.map(act) : up.map((u, n) => u * act(gate[n]!)));
  };
  return {
    before: order === 'post' ? (x) => x : first,
    after: (x, attention) => {
      const sum = add(x, attention);
      if (order === 'parallel') return add(sum, feed(second(x)));
      if (order === 'pre') return add(sum, feed(second(sum)));
      const middle = first(sum);
      return second(add(middle, feed(middle)));
    },
  };
}

const activations: Readonly<Record<string, (x: number) => number>> = {
  relu: (x) => Math.max(0, x),
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  gelu_new: (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
};

/** 2/√π · e^(-x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, whose terms all have one sign. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

function add(one: Float64Array, other: Float64Array): Float64Array {
  return one.map((x, n) => x + other[n]!);
}

/** LayerNorm; RMSNorm where config.json has an epsilon for it. */
function normalise(
  x: Float64Array,
  { data: weight }: Tensor,
  bias: Tensor | undefined,
  config: ModelConfigFields,
): Float64Array {
  const width = weight.length;
  const isRms = config.rms_norm_eps !== undefined;
  // DistilBERT's config.json doesn't say it.
  const epsilon = config.rms_norm_eps ?? config.layer_norm_eps ?? config.layer_norm_epsilon ?? 1e-12;
  const y = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += width) {
    const row = x.subarray(start, start + width);
    const mean = isRms ? 0 : row.reduce((sum, value) => sum + value, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    for (let n = 0; n < width; n++) {
      y[start + n] = ((row[n]! - mean) / Math.sqrt(variance + epsilon)) * weight[n]! + (bias?.data[n] ?? 0);
    }
  }
  return y;
}

/** x · Wᵀ + b of W [out, in], or x · W + b of W [in, out]. */
function project(
  x: Float64Array,
  { shape, data }: Tensor,
  bias: Tensor | undefined,
  isTransposed: boolean,
): Float64Array {
  const [rows, columns] = shape as readonly [number, number];
  const [outputs, inputs] = isTransposed ? [columns, rows] : [rows, columns];
  const tokens = x.length / inputs;
  const y = new Float64Array(tokens * outputs);
  for (let token = 0; token < tokens; token++) {
    for (let out = 0; out < outputs; out++) {
      let sum = bias?.data[out] ?? 0;
      for (let n = 0; n < inputs; n++) {
        sum += x[token * inputs + n]! * data[isTransposed ? n * columns + out : out * columns + n]!;
      }
      y[token * outputs + out] = sum;
    }
  }
  return y;
}
