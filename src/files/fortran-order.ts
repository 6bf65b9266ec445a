// Reordering of arrays whose first axis varies fastest (Fortran order) into rows (C order), a run at a time.
import { elementCount, type Shape } from '../core/tensor/shape.js';
import type { NumberArray } from './storage.js';

/**
 * Puts `values`, which a file in Fortran order holds from its element `fileIndex` on, where row-major order has
 * them. `target` stands for the elements `first` … of row-major order; what falls outside is left out.
 */
export function scatterFortran(options: {
  shape: Shape;
  values: NumberArray;
  fileIndex: number;
  target: NumberArray;
  first: number;
}): void {
  const { shape, values, fileIndex, target, first } = options;
  const strides = rowMajorStrides(shape);
  const indices = unravelFortran(fileIndex, shape);
  let at = indices.reduce((sum, index, axis) => sum + index * strides[axis]!, -first);
  for (let i = 0; i < values.length; i++) {
    if (at >= 0 && at < target.length) target[at] = values[i]!;
    // Step to the next element of the file: the first axis, and on its overflow the next.
    for (let axis = 0; axis < shape.length; axis++) {
      at += strides[axis]!;
      if (++indices[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      indices[axis] = 0;
    }
  }
}

/**
 * The stretches of a file in Fortran order that hold the elements `first` … `first + count - 1` of row-major order, by
 * the elements of the file. Where the first axis is long, that is far less than all of it.
 * @param mostGap elements between two stretches that may as well be read
 */
export function* fortranStretches(
  shape: Shape,
  first: number,
  count: number,
  mostGap: number,
): Generator<{ readonly index: number; readonly count: number }> {
  if (count === 0) return;
  const axis = shape.findIndex((length) => length > 1);
  const rows = shape[axis] ?? 1;
  const columns = axis < 0 ? 1 : elementCount(shape.slice(axis + 1));
  const begin = Math.floor(first / columns);
  const length = Math.floor((first + count - 1) / columns) + 1 - begin;
  if (rows - length <= mostGap) {
    yield { index: begin, count: (columns - 1) * rows + length };
    return;
  }
  for (let column = 0; column < columns; column++) yield { index: column * rows + begin, count: length };
}

function rowMajorStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

function unravelFortran(index: number, shape: Shape): number[] {
  let rest = index;
  return shape.map((length) => {
    const position = rest % length;
    rest = Math.floor(rest / length);
    return position;
  });
}
