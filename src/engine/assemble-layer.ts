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
    { rows: call.query.data, rowCount: queryRows, linear: layer.query, to: query.layout },
    { rows: call.key.data, rowCount: keyRows, linear: layer.key, to: key.layout },
    { rows: call.value.data, rowCount: keyRows, linear: layer.value, to: value.layout },
  ]);
  const attend = assembleAttention(
    { heads: layer, batch, options, query, key, value, output: concat, extra },
    memory,
  );
  const finish = assembleProducts('output', [
    {
      rows: concat.layout.region,
      rowCount: queryRows,
      depth: layer.output.inputs,
      outputs: [outputRows(layer.output.panels, output.data)],
    },
  ]);
  return { phases: [project, ...attend.phases, finish], result: { output, ...attend.results } };
}

interface HeadProjection {
  readonly rows: Float32Array<SharedArrayBuffer>;
  readonly rowCount: number;
  readonly linear: PackedLinear;
  readonly to: HeadLayout;
}

/** Projections of the same rows become one product, so that a block of rows is read once for all of them. */
function assembleProjections(projections: readonly HeadProjection[]): PlannedPhase {
  const products = new Map<Float32Array<SharedArrayBuffer>, CountedProduct & { outputs: ProductOutput[] }>();
  for (const { rows, rowCount, linear, to } of projections) {
    const product = products.get(rows) ?? {
      rows: regionOf(rows),
      rowCount,
      depth: linear.inputs,
      outputs: [],
    };
    const { region, headStride: segmentStride, tokenStride: rowStride } = to;
    product.outputs.push({ panels: linear.panels, region, segmentStride, rowStride });
    products.set(rows, product);
  }
  return assembleProducts('project', [...products.values()]);
}

interface CountedProduct extends Product {
  readonly rowCount: number;
}

function outputRows(panels: Panels, output: Float32Array<SharedArrayBuffer>): ProductOutput {
  return {
    panels,
    region: regionOf(output),
    segmentStride: panels.segmentColumns,
    rowStride: panels.columns,
  };
}

function assembleProducts(name: 'project' | 'output', products: readonly CountedProduct[]): PlannedPhase {
  const plan = planProducts(
    products.map(({ rowCount, depth, outputs }) => ({
      rows: rowCount,
      depth,
      columns: outputs.reduce((sum, { panels }) => sum + panels.columns, 0),
      segments: outputs.reduce((sum, { panels }) => sum + segmentsOf(panels), 0),
    })),
  );
  const described = products.map(({ rows, depth, outputs }): Product => ({ rows, depth, outputs }));
  return planPhase(name, { kind: 'project', products: described }, plan);
}

export function segmentsOf({ columns, segmentColumns }: Panels): number {
  return Math.ceil(columns / segmentColumns);
}
