// Our own suite of what the ONNX operator lacks, in headpool's terms; both speak nearly the same language.
import type { AttentionInputs } from '../attention/attention-call.js';
import { alignments, type RotaryOptions } from '../attention/options.js';
import type { ConformanceCase, PreparedCase } from './case.js';
import { CaseReader } from './case-reader.js';
import { asMask, asTensor } from './case-tensors.js';
import { givenOf, prepareAttention } from './prepare-attention.js';

/** Boolean masks: true = attend. */
export function prepareExtended(source: ConformanceCase): PreparedCase {
  const reader = new CaseReader(source);
  const query = reader.input('Q');
  const key = reader.input('K');
  const keyLengths = reader.optionalInput('key_lengths', 'integers');
  const mask = reader.optionalInput('mask', 'booleans');
  const bias = reader.optionalInput('bias');
  const alignment = reader.choice('alignment', alignments);
  const offset = alignment === 'top-left' ? 0 : key.shape[2]! - query.shape[2]!;
  const inputs = givenOf<AttentionInputs>({
    ...{ q: asTensor(query), k: asTensor(key), v: asTensor(reader.input('V')) },
    ...{ causal: reader.flag('causal'), alignment },
    keyLengths: keyLengths && [...keyLengths.data],
    mask: mask && asMask(mask),
    bias: bias && asTensor(bias),
    scale: reader.number('scale'),
    softcap: reader.number('softcap'),
    window: givenOf<AttentionInputs['window'] & object>({
      left: reader.integer('left_window_size', 0),
      right: reader.integer('right_window_size', 0),
    }),
    alibiSlopes: reader.optionalInput('alibi_slopes')?.data,
    sinks: reader.optionalInput('sinks')?.data,
    headScale: reader.optionalInput('head_scale')?.data,
    rope: readRope(reader, offset),
    returnWeights: reader.wants('weights'),
    returnLogSumExp: reader.wants('lse'),
  });
  reader.finish();
  return prepareAttention(inputs, ({ output, weights, logSumExp }) => ({
    Y: output,
    weights,
    lse: logSumExp,
  }));
}

/** Query 0 must stand where the diagonal says, which is where rope puts it too. */
function readRope(reader: CaseReader, offset: number): RotaryOptions | undefined {
  const group = reader.group('rope');
  if (group === undefined) return undefined;
  const base = group.number('base');
  if (base === undefined) throw group.wrongAttribute('a finite number', 'base', base);
  const [dims, interleaved] = [group.integer('dims', 2), group.flag('interleaved')];
  const start = group.integer('query_start', 0) ?? 0;
  if (start !== offset)
    throw group.wrongAttribute(`${offset}, the offset of the diagonal,`, 'query_start', start);
  group.finish();
  return givenOf<RotaryOptions>({ base, dims, interleaved });
}
