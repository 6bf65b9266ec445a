// A whole layer as phases: projection into heads, attention, W^O on the concatenation.
import type { LayerCall } from '../attention/multi-head.js';
import type { Heads } from '../attention/problem.js';
import { regionOf } from '../tensor/region.js';
import type { ExtraKeys, HeadLayout, Panels, Product, ProductOutput } from '../../workers/protocol.js';
import { assembleAttention } from './assemble-attention.js';
import { planPhase, type Assembly, type PlannedPhase } from './assembly.js';
import { headMajor, tokenMajor } from './layout.js';
import { planProducts } from './plan.js';
import type { WorkingSet } from './working-set.js';

/** The packed projections of a layer. */
export interface PackedLayer extends Heads {
  readonly query: PackedLinear;
  readonly key: PackedLinear;
  readonly value: PackedLinear;
  readonly output: PackedLinear;
  readonly extra: ExtraKeys | null;
}

export interface PackedLinear {
  readonly panels: Panels;
  readonly inputs: number;
}

/** The phases of one call. @throws MEMORY_LIMIT */
export function assembleLayer(layer: PackedLayer, call: LayerCall, memory: WorkingSet): Assembly {
  const { heads, kvHeads, headDim, valueDim, extra } = layer;
  const { batch, options, outputShape } = call;
  const { queryRows, keyRows } = batch;
  const query = headMajor(memory.allocate(queryRows * heads * headDim), queryRows, headDim);
  const key = headMajor(memory.allocate(keyRows * kvHeads * headDim), keyRows, headDim);
  const value = headMajor(memory.allocate(keyRows * kvHeads * valueDim), keyRows, valueDim);
  // Head h of a token writes beside head h - 1: concatenation is a layout, nothing is copied afterwards.
  const concat = tokenMajor(memory.allocate(queryRows * heads * valueDim), heads, valueDim);
  const output = options.out ?? memory.createResult(outputShape);

  const project = assembleProjections([
    { rows: call.query.data, linear: layer.query, to: query.layout },
    { rows: call.key.data, linear: layer.key, to: key.layout },
    { rows: call.value.data, linear: layer.value, to: value.layout },
  ]);
  const attend = assembleAttention(
    { heads: layer, batch, options, query, key, value, output: concat, extra },
    memory,
  );
  const finish = assembleProducts('output', [
    {
      rows: concat.layout.region,
      depth: layer.output.inputs,
      outputs: [outputRows(layer.output.panels, output.data)],
    },
  ]);
  return { phases: [project, attend.phase, finish], result: { output, ...attend.results } };
}

interface HeadProjection {
  readonly rows: Float32Array<SharedArrayBuffer>;
  readonly linear: PackedLinear;
  readonly to: HeadLayout;
}

/** Projections of the same rows become one product, so that a block of rows is read once for all of them. */
function assembleProjections(projections: readonly HeadProjection[]): PlannedPhase {
  const outputsOf = new Map<Float32Array<SharedArrayBuffer>, ProductOutput[]>();
  const depthOf = new Map<Float32Array<SharedArrayBuffer>, number>();
  for (const { rows, linear, to } of projections) {
    const { region, headStride: segmentStride, tokenStride: rowStride } = to;
    const output = { panels: linear.panels, region, segmentStride, rowStride };
    outputsOf.set(rows, [...(outputsOf.get(rows) ?? []), output]);
    depthOf.set(rows, linear.inputs);
  }
  return assembleProducts(
    'project',
    [...outputsOf].map(([rows, outputs]) => ({ rows: regionOf(rows), depth: depthOf.get(rows)!, outputs })),
  );
}

function outputRows(panels: Panels, output: Float32Array<SharedArrayBuffer>): ProductOutput {
  return { panels, region: regionOf(output), segmentStride: panels.segmentColumns, rowStride: panels.columns };
}

function assembleProducts(name: 'project' | 'output', products: readonly Product[]): PlannedPhase {
  const plan = planProducts(
    products.map(({ rows, depth, outputs }) => ({
      rows: rows.byteLength / 4 / depth,
      depth,
      columns: outputs.reduce((sum, { panels }) => sum + panels.columns, 0),
      segments: outputs.reduce((sum, { panels }) => sum + segmentsOf(panels), 0),
    })),
  );
  return planPhase(name, { kind: 'project', products }, plan);
}

export function segmentsOf({ columns, segmentColumns }: Panels): number {
  return Math.ceil(columns / segmentColumns);
}
