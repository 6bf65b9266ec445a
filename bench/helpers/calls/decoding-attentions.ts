// One token's attention after cached ones in the operators of ONNX and in Microsoft's own.
import {
  floatTensor,
  int32Tensor,
  integerAttribute,
  integerTensor,
  node,
  type Bytes,
} from '../onnx-encode.js';

export interface DecodingShape {
  readonly modelDim: number;
  readonly heads: number;
  /** Tokens before the new one. */
  readonly cached: number;
}

/**
 * Whether presents are past and new rows in memory of their own, the new rows alone, which the host copies to where the
 * next past has room for them, or the pasts themselves, the new rows among them. Where rows alone come out, the input
 * mask [1, 1, 1, capacity + 1] says what is there: 0, else -Infinity.
 */
export type Presents = 'whole' | 'rows' | 'shared';

/** Room after the cached tokens, where pasts stay where they are. */
export const spareTokens = 128;

/** What an attention makes of q, k and v [1, 1, modelDim], and of the pasts. */
export interface Attention {
  readonly presents: Presents;
  readonly nodes: (shape: DecodingShape) => Bytes[];
  readonly initializers?: (shape: DecodingShape) => Bytes[];
}

export const attentions: Readonly<Record<string, Attention>> = {
  // Past and new keys are joined into the presents, which the scores are then made of.
  joined: {
    presents: 'whole',
    nodes: () => [
      ...headNodes(),
      node('Concat', ['past_k', 'k_heads'], ['present_k'], { attributes: [integerAttribute('axis', 2)] }),
      node('Concat', ['past_v', 'v_heads'], ['present_v'], { attributes: [integerAttribute('axis', 2)] }),
      node('MatMul', ['present_k', 'q_column'], ['score_column']),
      ...softmaxNodes(),
      node('MatMul', ['probabilities', 'present_v'], ['mixed']),
      node('Reshape', ['mixed', 'row_shape'], ['concat']),
    ],
    initializers: (shape) => plainTensors(shape, 0),
  },
  // They stay apart: nothing long is copied.
  apart: {
    presents: 'rows',
    nodes: () => [
      ...headNodes(),
      node('Identity', ['k_heads'], ['present_k']),
      node('Identity', ['v_heads'], ['present_v']),
      node('MatMul', ['past_k', 'q_column'], ['past_scores']),
      node('MatMul', ['k_heads', 'q_column'], ['new_score']),
      node('Concat', ['past_scores', 'new_score'], ['score_column'], {
        attributes: [integerAttribute('axis', 2)],
      }),
      ...softmaxNodes('mask'),
      node('Split', ['probabilities', 'past_and_new'], ['past_p', 'new_p'], {
        attributes: [integerAttribute('axis', 3)],
      }),
      node('MatMul', ['past_p', 'past_v'], ['past_mixed']),
      node('Mul', ['new_p', 'v_heads'], ['new_mixed']),
      node('Add', ['past_mixed', 'new_mixed'], ['mixed']),
      node('Reshape', ['mixed', 'row_shape'], ['concat']),
    ],
    initializers: (shape) => [
      ...plainTensors(shape, spareTokens),
      integerTensor('past_and_new', [shape.cached + spareTokens, 1]),
    ],
  },
  MultiHeadAttention: {
    presents: 'whole',
    nodes: ({ heads }) => [
      microsoftNode('MultiHeadAttention', ['q', 'k', 'v', '', '', '', 'past_k', 'past_v'], {
        num_heads: heads,
      }),
    ],
  },
  DecoderMaskedMultiHeadAttention: {
    presents: 'shared',
    nodes: ({ heads }) => [
      microsoftNode(
        'DecoderMaskedMultiHeadAttention',
        ['q', 'k', 'v', '', '', 'past_k', 'past_v', 'past_length'],
        { num_heads: heads, past_present_share_buffer: 1 },
      ),
    ],
    initializers: ({ cached }) => [int32Tensor('past_length', cached, [1])],
  },
  GroupQueryAttention: {
    presents: 'shared',
    nodes: ({ heads }) => [
      microsoftNode(
        'GroupQueryAttention',
        ['q', 'k', 'v', 'past_k', 'past_v', 'keys_before', 'keys_in_all'],
        { num_heads: heads, kv_num_heads: heads },
      ),
    ],
    initializers: ({ cached }) => [
      int32Tensor('keys_before', cached, [1]),
      int32Tensor('keys_in_all', cached + 1),
    ],
  },
};

// One token of every head: a matter of the shape alone. A column of q lets keys be multiplied as they lie.
function headNodes(): Bytes[] {
  return [
    node('Mul', ['q', 'scale'], ['q_scaled']),
    node('Reshape', ['q_scaled', 'column_shape'], ['q_column']),
    node('Reshape', ['k', 'heads_shape'], ['k_heads']),
    node('Reshape', ['v', 'heads_shape'], ['v_heads']),
  ];
}

function softmaxNodes(mask?: string): Bytes[] {
  return [
    node('Reshape', ['score_column', 'scores_shape'], ['scores']),
    ...(mask === undefined ? [] : [node('Add', ['scores', mask], ['masked'])]),
    node('Softmax', [mask === undefined ? 'scores' : 'masked'], ['probabilities'], {
      attributes: [integerAttribute('axis', -1)],
    }),
  ];
}

function plainTensors({ modelDim, heads, cached }: DecodingShape, spare: number): Bytes[] {
  const headDim = modelDim / heads;
  return [
    floatTensor('scale', [], new Float32Array([1 / Math.sqrt(headDim)])),
    integerTensor('column_shape', [1, heads, headDim, 1]),
    integerTensor('heads_shape', [1, heads, 1, headDim]),
    integerTensor('scores_shape', [1, heads, 1, cached + spare + 1]),
    integerTensor('row_shape', [1, 1, modelDim]),
  ];
}

function microsoftNode(
  operator: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, number>>,
): Bytes {
  return node(operator, inputs, ['concat', 'present_k', 'present_v'], {
    domain: 'com.microsoft',
    attributes: Object.entries(attributes).map(([name, value]) => integerAttribute(name, value)),
  });
}
