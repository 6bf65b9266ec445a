// Our own suite of what the ONNX operator lacks, in headpool's terms; both speak nearly the same language.
import type { ConformanceCase, PreparedCase } from './case.js';
import { CaseReader } from './case-reader.js';
import { asMask, asTensor } from './case-tensors.js';
import { prepareAttention, type DesignedInputs } from './designed-options.js';

/** Boolean masks: true = attend. */
export function prepareExtended(source: ConformanceCase): PreparedCase {
  const reader = new CaseReader(source);
  const query = reader.input('Q');
  const key = reader.input('K');
  const keyLengths = reader.optionalInput('key_lengths', 'integers');
  const mask = reader.optionalInput('mask', 'booleans');
  const bias = reader.optionalInput('bias');
  const alignment = reader.choice('alignment', ['top-left', 'bottom-right']);
  const scale = reader.number('scale');
  const offset = alignment === 'top-left' ? 0 : key.shape[2]! - query.shape[2]!;
  const inputs: DesignedInputs = {
    ...{ q: asTensor(query), k: asTensor(key), v: asTensor(reader.input('V')) },
    causal: reader.flag('causal') && alignment,
    ...(keyLengths && { keyLengths: [...keyLengths.data] }),
    ...(mask && { mask: asMask(mask) }),
    ...(bias && { bias: asTensor(bias) }),
    ...(scale !== undefined && { scale }),
    ...readPlanned(reader, offset),
    ...(reader.wants('weights') && { returnWeights: true }),
    ...(reader.wants('lse') && { returnLogSumExp: true }),
  };
  reader.finish();
  return prepareAttention(inputs, ({ output, weights, logSumExp }) => ({
    Y: output,
    weights,
    lse: logSumExp,
  }));
}

type Planned = Pick<DesignedInputs, 'window' | 'softcap' | 'alibiSlopes' | 'sinks' | 'headScale' | 'rope'>;

function readPlanned(reader: CaseReader, offset: number): Planned {
  const left = reader.integer('left_window_size', 0);
  const right = reader.integer('right_window_size', 0);
  const softcap = reader.number('softcap');
  const alibiSlopes = reader.optionalInput('alibi_slopes');
  const sinks = reader.optionalInput('sinks');
  const headScale = reader.optionalInput('head_scale');
  const rope = readRope(reader, offset);
  const isWindowed = left !== undefined || right !== undefined;
  return {
    ...(isWindowed && {
      window: { ...(left !== undefined && { left }), ...(right !== undefined && { right }) },
    }),
    ...(softcap !== undefined && { softcap }),
    ...(alibiSlopes && { alibiSlopes: [...alibiSlopes.data] }),
    ...(sinks && { sinks: [...sinks.data] }),
    ...(headScale && { headScale: [...headScale.data] }),
    ...(rope && { rope }),
  };
}

/** Query 0 must stand where the diagonal says, which is where rope puts it too. */
function readRope(reader: CaseReader, offset: number): Planned['rope'] {
  const group = reader.group('rope');
  if (group === undefined) return undefined;
  const base = group.number('base');
  if (base === undefined) throw group.wrongAttribute('a finite number', 'base', base);
  const dims = group.integer('dims', 2);
  const interleaved = group.flag('interleaved');
  const start = group.integer('query_start', 0) ?? 0;
  if (start !== offset)
    throw group.wrongAttribute(`${offset}, the offset of the diagonal,`, 'query_start', start);
  group.finish();
  return { base, interleaved, ...(dims !== undefined && { dims }) };
}
