// The `Attention` operator of ONNX, opsets 23 to 25, in headpool's terms.
import type { CaseTensor, ConformanceCase, PreparedCase } from './case.js';
import { CaseReader } from './case-reader.js';
import {
  asMask,
  asTensor,
  bandMask,
  combineMasks,
  concatenateTokens,
  joinHeads,
  padLastAxis,
  splitHeads,
} from './case-tensors.js';
import { prepareAttention, type DesignedInputs } from './designed-options.js';

/** What `qk_matmul_output` holds, by `qk_matmul_output_mode`. */
const scoreStages = ['scaled', 'softcapped', 'biased', 'probabilities'] as const;

/** Boolean masks: true = attend, as in headpool. */
export function prepareOnnxAttention(source: ConformanceCase): PreparedCase {
  const reader = new CaseReader(source);
  const query = reader.input('Q');
  const heads = reader.integer('q_num_heads', 1);
  const kvHeads = reader.integer('kv_num_heads', 1);
  const past = reader.optionalInput('past_key');
  const key = joinPast(reader.input('K'), past, kvHeads);
  const value = joinPast(reader.input('V'), reader.optionalInput('past_value'), kvHeads);
  const mask = reader.optionalInput('attn_mask', 'floats', 'booleans');
  const keyLengths = reader.optionalInput('nonpad_kv_seqlen', 'integers');
  const scale = reader.number('scale');
  const stage = scoreStages[reader.choice('qk_matmul_output_mode', [0, 1, 2, 3])];
  const softcap = reader.number('softcap');
  const band = readBand(reader);
  reader.number('softmax_precision'); // Float32 is at least as wide as any case compares.
  reader.finish();

  const size = { queries: query.shape.at(-2)!, keys: key.all.shape.at(-2)!, past: past?.shape[2] };
  const wantsScores = reader.wants('qk_matmul_output');
  const inputs: DesignedInputs = {
    ...{ q: asTensor(query), k: asTensor(key.all), v: asTensor(value.all) },
    ...(heads !== undefined && query.shape.length === 3 && { heads }),
    ...(kvHeads !== undefined && query.shape.length === 3 && { kvHeads }),
    ...withBand(mask === undefined ? {} : maskOptions(mask, size.keys), band, size, keyLengths !== undefined),
    ...(keyLengths && { keyLengths: [...keyLengths.data] }),
    ...(scale !== undefined && { scale }),
    ...(softcap !== undefined && softcap !== 0 && { softcap }),
    ...(wantsScores && (stage === 'probabilities' ? { returnWeights: true } : { returnScores: stage })),
  };
  return prepareAttention(inputs, ({ output, weights, scores }) => ({
    Y: output,
    qk_matmul_output: weights ?? scores,
    present_key: key.present && asTensor(key.present),
    present_value: value.present && asTensor(value.present),
  }));
}

interface Operand {
  /** In the layout of the input. */
  readonly all: CaseTensor;
  /** Past and new [batch, heads, tokens, dims], where there is a past. */
  readonly present: CaseTensor | undefined;
}

function joinPast(added: CaseTensor, past: CaseTensor | undefined, kvHeads: number | undefined): Operand {
  if (past === undefined) return { all: added, present: undefined };
  if (added.shape.length === 4) {
    const present = concatenateTokens(past, added);
    return { all: present, present };
  }
  const present = concatenateTokens(past, splitHeads(added, kvHeads ?? past.shape[1]!));
  return { all: joinHeads(present), present };
}

type Masks = Pick<DesignedInputs, 'mask' | 'bias' | 'causal' | 'window'>;

/** A mask shorter than the keys leaves the rest of them out. */
function maskOptions(mask: CaseTensor, keys: number): Masks {
  if (mask.dtype === 'BOOL') return { mask: asMask(padLastAxis(mask, keys, 0)) };
  return { bias: asTensor(padLastAxis(mask, keys, -Infinity)) };
}

/** Inclusive distances from the diagonal, Infinity = no bound. */
interface Band {
  readonly isCausal: boolean;
  readonly left: number;
  readonly right: number;
}

/** In the attributes -1 = no bound. */
function readBand(reader: CaseReader): Band {
  const bound = (name: string): number => {
    const distance = reader.integer(name, -1) ?? -1;
    return distance < 0 ? Infinity : distance;
  };
  return {
    isCausal: reader.flag('is_causal'),
    left: bound('left_window_size'),
    right: bound('right_window_size'),
  };
}

/**
 * The diagonal starts at key 0, behind the past, or so that it ends at each entry's last valid key. A past beside
 * more or fewer new keys than queries starts it where no option of headpool can: there the band becomes a mask.
 */
function withBand(
  masks: Masks,
  { isCausal, left, right }: Band,
  {
    queries,
    keys,
    past,
  }: { readonly queries: number; readonly keys: number; readonly past: number | undefined },
  hasLengths: boolean,
): Masks {
  const isWindowed = left < Infinity || right < Infinity;
  if (past !== undefined && past !== keys - queries && (isCausal || isWindowed)) {
    const bounds = { offset: past, left, right: isCausal ? Math.min(0, right) : right };
    const band = bandMask([queries, keys], bounds);
    const { mask } = masks;
    if (mask === undefined) return { ...masks, mask: band };
    const target = [...mask.shape.slice(0, -2), queries, keys];
    return { ...masks, mask: combineMasks(mask, band, target) };
  }
  const alignment = past !== undefined || hasLengths ? 'bottom-right' : 'top-left';
  const window = { ...(left < Infinity && { left }), ...(right < Infinity && { right }) };
  return { ...masks, ...(isCausal && { causal: alignment }), ...(isWindowed && { window }) };
}
