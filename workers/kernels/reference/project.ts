// Projections in plain float32: a panel is one column, its bias in front of its weights.
import type { Packing, Projection } from '../kernel.js';

const { fround } = Math;

export function pack({ weight, bias, columns, depth, panels }: Packing): void {
  for (let column = 0; column < columns; column++) {
    const panel = panels.offset + column * (1 + depth);
    panels.data[panel] = bias === null ? 0 : bias.data[bias.offset + column]!;
    for (let k = 0; k < depth; k++) {
      panels.data[panel + 1 + k] = weight.data[weight.offset + column * depth + k]!;
    }
  }
}

export function project({ rows, rowCount, depth, panels, columns, output }: Projection): void {
  for (let row = 0; row < rowCount; row++) {
    const x = rows.offset + row * depth;
    for (let column = 0; column < columns; column++) {
      const panel = panels.offset + column * (1 + depth);
      let sum = panels.data[panel]!;
      for (let k = 0; k < depth; k++) {
        sum = fround(sum + fround(rows.data[x + k]! * panels.data[panel + 1 + k]!));
      }
      output.data[output.offset + row * output.rowStride + column] = sum;
    }
  }
}
