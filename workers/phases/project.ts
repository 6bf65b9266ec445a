// Units of the phases that deal with weights: packing them, and multiplying rows with them.
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { Floats, Kernel } from '../kernels/kernel.js';
import { packedLength, type Panels } from '../../src/core/protocol/layout.js';
import type { UnitRunner } from '../../src/core/protocol/tables.js';
import type { PackWork, ProjectWork } from '../../src/core/protocol/layer-work.js';

export function packUnits(work: PackWork, views: RegionViews, kernel: Kernel): UnitRunner {
  for (const { target } of work.linears) kernel.prepare(views.floats(target.region));
  const linears = work.linears.map(({ weight, bias, depth, target }) => ({
    weight: views.floats(weight),
    bias: bias === null ? null : views.floats(bias),
    depth,
    panels: openPanels(target, depth, views, kernel),
  }));
  return ([linearIndex, segment]) => {
    const { weight, bias, depth, panels } = linears[linearIndex!]!;
    const { columns, slice } = panels.segment(segment!);
    const first = segment! * panels.segmentColumns;
    kernel.pack({
      weight: { data: weight, offset: first * depth },
      bias: bias === null ? null : { data: bias, offset: first },
      columns,
      depth,
      panels: slice,
    });
  };
}

export function projectUnits(work: ProjectWork, views: RegionViews, kernel: Kernel): UnitRunner {
  const products = work.products.map(({ rows, depth, outputs }) => ({
    rows: views.floats(rows),
    depth,
    outputs: outputs.map((output) => ({
      ...output,
      panels: openPanels(output.panels, depth, views, kernel),
      data: prepared(views.floats(output.region), kernel),
    })),
  }));
  return (unit) => {
    const [productIndex, firstRow, endRow, firstSegment, endSegment] = unit as unknown as UnitWords;
    const { rows, depth, outputs } = products[productIndex]!;
    let skipped = 0;
    for (const { panels, data, segmentStride, rowStride } of outputs) {
      const from = Math.max(firstSegment - skipped, 0);
      const end = Math.min(endSegment - skipped, panels.segments);
      for (let segment = from; segment < end; segment++) {
        const { columns, slice } = panels.segment(segment);
        kernel.project({
          rows: { data: rows, offset: firstRow * depth },
          rowCount: endRow - firstRow,
          depth,
          panels: slice,
          columns,
          output: { data, offset: segment * segmentStride + firstRow * rowStride },
          outputStride: rowStride,
        });
      }
      skipped += panels.segments;
    }
  };
}

function prepared<T extends Float32Array>(floats: T, kernel: Kernel): T {
  kernel.prepare(floats);
  return floats;
}

type UnitWords = readonly [number, number, number, number, number];

/** Packed weights as kernels take them: where each segment lies, and how many columns it has. */
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
