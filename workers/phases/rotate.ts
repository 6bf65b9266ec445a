// Units that normalise query and key heads (RMSNorm) and turn them by their position (rotary embedding), in place. All
// in float64, rounded once where it is stored: the same bytes whatever kernel attends afterwards.
import type { RegionViews } from '../../src/tensor/region.js';
import { entryWords, type RotatedHeads, type RotateWork, type Rotary } from '../protocol.js';
import type { UnitRunner } from './unit.js';

export function rotateUnits(
  { query, key, headDim, epsilon, rotary }: RotateWork,
  [entries]: readonly Float64Array[],
  views: RegionViews,
): UnitRunner {
  const sides = [
    { ...openHeads(query, views), offsetWord: entryWords.queryOffset },
    { ...openHeads(key, views), offsetWord: entryWords.keyOffset },
  ] as const;
  const turn = rotary && openTurn(rotary);
  const x = new Float64Array(headDim);

  return ([entry, which, firstRow, endRow, batchRow]) => {
    const at = entry! * entryWords.count;
    const { data, heads, headStride, tokenStride, weight, positions, offsetWord } =
      sides[which === 0 ? 0 : 1];
    const offset = entries![at + offsetWord]!;
    const firstPosition = entries![at + (which === 0 ? entryWords.diagonal : entryWords.keyPosition)]!;
    for (let row = firstRow!; row < endRow!; row++) {
      const position = positions === null ? firstPosition + row : positions[batchRow! + row]!;
      // At position 0 nothing turns: multiplied by sin 0, an infinity would become NaN.
      const turns = turn !== null && position !== 0;
      if (!turns && weight === null) continue;
      if (turns) turn.moveTo(position);
      for (let head = 0; head < heads; head++) {
        const start = offset + head * headStride + row * tokenStride;
        for (let d = 0; d < headDim; d++) x[d] = data[start + d]!;
        if (weight !== null) normalise(x, weight, epsilon);
        if (turns) turn.apply(x);
        for (let d = 0; d < headDim; d++) data[start + d] = x[d]!;
      }
    }
  };
}

function openHeads({ layout, heads, norm, positions }: RotatedHeads, views: RegionViews) {
  const { region, headStride, tokenStride } = layout;
  return {
    ...{ data: views.floats(region), heads, headStride, tokenStride },
    weight: norm && views.floats(norm),
    positions: positions && views.doubles(positions),
  };
}

/** x / √(mean(x²) + epsilon) · weight (Zhang & Sennrich, 2019). */
function normalise(x: Float64Array, weight: Float32Array, epsilon: number): void {
  let squares = 0;
  for (let d = 0; d < x.length; d++) squares += x[d]! * x[d]!;
  const factor = 1 / Math.sqrt(squares / x.length + epsilon);
  for (let d = 0; d < x.length; d++) x[d] = x[d]! * factor * weight[d]!;
}

/** Rotary embedding (Su et al., 2021): the angles of a position, and a head turned by them. */
interface Turn {
  moveTo(position: number): void;
  apply(x: Float64Array): void;
}

function openTurn({ base, dims, interleaved }: Rotary): Turn {
  const pairs = dims / 2;
  // Pair i is (i * step, i * step + distance).
  const [step, distance] = interleaved ? [2, 1] : [1, pairs];
  const frequency = Float64Array.from({ length: pairs }, (_, i) => base ** ((-2 * i) / dims));
  const cos = new Float64Array(pairs);
  const sin = new Float64Array(pairs);
  return {
    moveTo(position) {
      for (let i = 0; i < pairs; i++) {
        const angle = position * frequency[i]!;
        cos[i] = Math.cos(angle);
        sin[i] = Math.sin(angle);
      }
    },
    apply(x) {
      for (let i = 0; i < pairs; i++) {
        const first = i * step;
        const second = first + distance;
        const a = x[first]!;
        const b = x[second]!;
        x[first] = a * cos[i]! - b * sin[i]!;
        x[second] = b * cos[i]! + a * sin[i]!;
      }
    },
  };
}
