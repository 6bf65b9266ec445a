// Units that normalise query and key heads (RMSNorm) and turn them by their position (rotary embedding), in place. All
// in float64, rounded once where it is stored: the same bytes whatever kernel attends afterwards.
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { RotatedHeads, RotateWork, Rotary } from '../../src/core/protocol/head-work.js';
import { entryWords } from '../../src/core/protocol/tables.js';
import type { UnitRunner } from '../../src/core/protocol/tables.js';

export function rotateUnits(
  { query, key, headDim, epsilon, rotary }: RotateWork,
  [entries]: readonly Float64Array[],
  views: RegionViews,
): UnitRunner {
  const sides = [
    { ...openHeads(query, headDim, views), offsetWord: entryWords.queryOffset },
    { ...openHeads(key, headDim, views), offsetWord: entryWords.keyOffset },
  ] as const;
  const turn = rotary && openTurn(rotary);

  return ([entry, which, firstRow, endRow, batchRow]) => {
    const at = entry! * entryWords.count;
    const { data, heads, headStride, rowStride, isNormalised, weight, positions, offsetWord } =
      sides[which === 0 ? 0 : 1];
    const offset = entries![at + offsetWord]!;
    const firstPosition = entries![at + (which === 0 ? entryWords.diagonal : entryWords.keyPosition)]!;
    for (let row = firstRow!; row < endRow!; row++) {
      const position = positions === null ? firstPosition + row : positions[batchRow! + row]!;
      // At position 0 nothing turns: multiplied by sin 0, an infinity would become NaN.
      const turns = turn !== null && position !== 0;
      if (!turns && !isNormalised) continue;
      if (turns) turn.moveTo(position);
      for (let head = 0; head < heads; head++) {
        const start = offset + head * headStride + row * rowStride;
        const factor = isNormalised ? normFactor(data, start, headDim, epsilon) : 1;
        const turned = turns ? turn.apply(data, start, weight, factor) : 0;
        for (let d = turned; d < headDim; d++) data[start + d] = data[start + d]! * factor * weight[d]!;
      }
    }
  };
}

function openHeads({ layout, heads, norm, positions }: RotatedHeads, headDim: number, views: RegionViews) {
  const { data, headStride, rowStride } = layout;
  return {
    data: views.floats(data),
    heads,
    headStride,
    rowStride,
    isNormalised: norm !== null,
    weight: norm === null ? new Float32Array(headDim).fill(1) : views.floats(norm),
    positions: positions && views.doubles(positions),
  };
}

/** 1 / √(mean(x²) + epsilon), which RMSNorm multiplies a row by besides its weight (Zhang & Sennrich, 2019). */
function normFactor(data: Float32Array, start: number, headDim: number, epsilon: number): number {
  let squares = 0;
  for (let d = start; d < start + headDim; d++) squares += data[d]! * data[d]!;
  return 1 / Math.sqrt(squares / headDim + epsilon);
}

/** Rotary embedding (Su et al., 2021): the angles of a position, and a head turned by them. */
interface Turn {
  moveTo(position: number): void;
  /** Turns the head that starts at `start`, times `factor` and `weight`; returns how many of its numbers turn. */
  apply(data: Float32Array, start: number, weight: Float32Array, factor: number): number;
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
    apply(data, start, weight, factor) {
      for (let i = 0; i < pairs; i++) {
        const first = i * step;
        const second = first + distance;
        const a = data[start + first]! * factor * weight[first]!;
        const b = data[start + second]! * factor * weight[second]!;
        data[start + first] = a * cos[i]! - b * sin[i]!;
        data[start + second] = b * cos[i]! + a * sin[i]!;
      }
      return dims;
    },
  };
}
