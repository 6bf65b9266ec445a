// Packed weights as the device reads them: panels of 4 columns, each its biases and then `depth` rows of weights, all as
// vec4. Segments are padded to whole panels with zeros and follow one another, so all panels of an output do.
import { packedLength } from '../../../src/core/protocol/layout.js';

export const panelColumns = 4;

/** Packed weights: `columns` columns, cut into segments that are packed each by itself. */
export interface PanelShape {
  readonly columns: number;
  readonly segmentColumns: number;
  readonly depth: number;
}

export function panelsOfSegment({ segmentColumns }: Pick<PanelShape, 'segmentColumns'>): number {
  return Math.ceil(segmentColumns / panelColumns);
}

/** Panels that hold columns; the last segment may have fewer than the others. */
export function panelsOf({ columns, segmentColumns }: Omit<PanelShape, 'depth'>): number {
  const whole = Math.floor(columns / segmentColumns);
  const rest = columns - whole * segmentColumns;
  return whole * panelsOfSegment({ segmentColumns }) + Math.ceil(rest / panelColumns);
}

/** The numbers of the panels whose segments are alive. */
export function livingPanels(shape: Omit<PanelShape, 'depth'>, dead: ReadonlySet<number>): Uint32Array {
  const perSegment = panelsOfSegment(shape);
  const all = Uint32Array.from({ length: panelsOf(shape) }, (_, panel) => panel);
  return all.filter((panel) => !dead.has(Math.floor(panel / perSegment)));
}

/** Weights [columns, depth] and biases [columns] as panels; `target` holds whole segments. */
export function packPanels(
  { columns, segmentColumns, depth }: PanelShape,
  weight: Float32Array,
  bias: Float32Array | null,
  target: Float32Array,
): void {
  const segmentLength = packedLength(segmentColumns, depth, panelColumns);
  const panelLength = packedLength(panelColumns, depth, panelColumns);
  target.fill(0);
  for (let column = 0; column < columns; column++) {
    const segment = Math.floor(column / segmentColumns);
    const inSegment = column - segment * segmentColumns;
    const panel = Math.floor(inSegment / panelColumns);
    const start = segment * segmentLength + panel * panelLength + (inSegment % panelColumns);
    if (bias !== null) target[start] = bias[column]!;
    for (let k = 0; k < depth; k++) target[start + (1 + k) * panelColumns] = weight[column * depth + k]!;
  }
}
