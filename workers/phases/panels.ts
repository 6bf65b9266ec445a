// Packed weights as kernels take them: where each segment lies, and how many columns it has.
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { Floats, Kernel } from '../kernels/kernel.js';
import { packedLength, type Panels } from '../../src/core/protocol/layout.js';

export interface OpenPanels {
  readonly segments: number;
  readonly segmentColumns: number;
  segment(index: number): { readonly columns: number; readonly slice: Floats };
}

export function openPanels(panels: Panels, depth: number, views: RegionViews, kernel: Kernel): OpenPanels {
  const data = views.floats(panels.region);
  const { columns, segmentColumns } = panels;
  const segmentLength = packedLength(segmentColumns, depth, kernel.traits.panelColumns);
  return {
    segments: Math.ceil(columns / segmentColumns),
    segmentColumns,
    segment: (index) => ({
      columns: Math.min(segmentColumns, columns - index * segmentColumns),
      slice: { data, offset: index * segmentLength },
    }),
  };
}
