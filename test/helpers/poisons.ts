// NaN and infinity in keys and values that nobody attends: they are never read.
import type { ExecutionContext } from 'ava';
import type { Engine } from '../../src/index.js';
import { assertSameBytes } from './assertions.js';
import { attentionCase, type CaseOptions } from './attention-case.js';

export const poisons = [NaN, Infinity, -Infinity];

/** Runs a case, then the same with `poison` written into left-out keys and values: no byte may differ. */
export async function checkPoisoned(
  t: ExecutionContext,
  engine: Engine,
  options: CaseOptions,
  isLeftOut: (b: number, kvHead: number, j: number) => boolean,
  returnWeights = true,
): Promise<void> {
  const ask = { returnWeights, returnLogSumExp: true };
  const { inputs, oracle } = attentionCase(options);
  const clean = await engine.attention({ ...inputs, ...ask });
  const { kvHeads, keys, headDim, valueDim } = oracle.dims;
  for (const poison of poisons) {
    const [k, v] = [Float32Array.from(inputs.k.data), Float32Array.from(inputs.v.data)];
    let rowsLeftOut = 0;
    for (let row = 0; row < k.length / headDim; row++) {
      if (!isLeftOut(Math.floor(row / keys / kvHeads), Math.floor(row / keys) % kvHeads, row % keys))
        continue;
      k.fill(poison, row * headDim, (row + 1) * headDim);
      v.fill(poison, row * valueDim, (row + 1) * valueDim);
      rowsLeftOut++;
    }
    t.true(rowsLeftOut > 0);
    const poisoned = { ...inputs, k: { ...inputs.k, data: k }, v: { ...inputs.v, data: v } };
    const result = await engine.attention({ ...poisoned, ...ask });
    assertSameBytes(t, result.output.data, clean.output.data, `output beside ${poison}`);
    if (returnWeights)
      assertSameBytes(t, result.weights!.data, clean.weights!.data, `weights beside ${poison}`);
    assertSameBytes(t, result.logSumExp!.data, clean.logSumExp!.data, `logSumExp beside ${poison}`);
  }
}
