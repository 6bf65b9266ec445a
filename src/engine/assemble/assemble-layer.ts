// A whole layer as phases: projection into heads, attention, W^O on the concatenation.
import type { LayerCall } from '../../attention/layer-call.js';
import type { Heads } from '../../core/protocol/layout.js';
import { regionOf } from '../../core/tensor/region.js';
import type { ExtraKeys } from '../../core/protocol/attention-work.js';
import type { Product, ProductOutput } from '../../core/protocol/layer-work.js';
import type { Panels } from '../../core/protocol/layout.js';
import type { Strided } from '../../core/protocol/strided.js';
import { append } from '../../core/lists.js';
import { assembleAttention } from './assemble-attention.js';
import { assembleRotation, isRotated } from './assemble-rotation.js';
import { planPhase, type Assembly, type AssemblyContext, type PlannedPhase } from './assembly.js';
import { assembleCached, type CacheUse } from './cached-keys.js';
import { deadHeadsOf, deadKvHeads } from './dead-heads.js';
import { assembleContributions } from './contributions.js';
import { headMajor, tokenMajor } from './head-operand.js';
import { planProducts } from '../plan/plan-layer.js';

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

export interface LayerContext extends AssemblyContext {
  readonly cacheUse: CacheUse | null;
  /** Where statistics were asked for. */
  readonly gram: Panels | null;
}

/** The phases of one call. @throws MEMORY_LIMIT */
export function assembleLayer(
  layer: PackedLayer,
  call: Omit<LayerCall, 'caches'>,
  context: LayerContext,
): Assembly {
  const { memory, cacheUse, gram } = context;
  const { unitRows } = context.traits;
  const { heads, kvHeads, headDim, valueDim, extra } = layer;
  const { batch, options, outputShape } = call;
  const { queryRows, keyRows } = batch;
  const query = headMajor(memory.allocate(queryRows * heads * headDim), queryRows, headDim);
  const key = headMajor(memory.allocate(keyRows * kvHeads * headDim), keyRows, headDim);
  const value = headMajor(memory.allocate(keyRows * kvHeads * valueDim), keyRows, valueDim);
  // Head h of a token writes beside head h - 1: concatenation is a layout, nothing is copied afterwards.
  const concat = tokenMajor(memory.allocate(queryRows * heads * valueDim), heads, valueDim);
  const output = options.out ?? memory.createResult(outputShape);

  const dead = deadHeadsOf(options);
  // A cache keeps the keys of every head: later calls may read them.
  const deadKeys = cacheUse === null ? deadKvHeads(dead, layer) : new Set<number>();
  const project = assembleProjections(
    [
      { rows: call.query.data, rowCount: queryRows, linear: layer.query, to: query.layout, dead },
      { rows: call.key.data, rowCount: keyRows, linear: layer.key, to: key.layout, dead: deadKeys },
      { rows: call.value.data, rowCount: keyRows, linear: layer.value, to: value.layout, dead: deadKeys },
    ],
    unitRows,
  );
  const phases = [project];
  if (isRotated(options)) {
    phases.push(assembleRotation({ heads: layer, batch, options, query, key }, unitRows));
  }
  const cached = cacheUse && assembleCached(cacheUse, { heads: layer, key, value }, context);
  if (cached !== null) phases.push(cached.append);
  const attend = assembleAttention(
    {
      heads: layer,
      batch,
      options,
      query,
      key: cached?.key ?? key,
      value: cached?.value ?? value,
      output: concat,
      extra,
      paged: cached?.paged ?? null,
    },
    context,
  );
  append(phases, attend.phases);
  if (gram !== null) {
    const { entries } = batch;
    const operands = { heads: layer, entries, concat: concat.layout, gram, unitRows };
    phases.push(assembleContributions(attend, operands));
  }
  const product: CountedProduct = {
    rows: concat.layout.data,
    rowCount: queryRows,
    depth: layer.output.inputs,
    outputs: [outputRows(layer.output.panels, output.data)],
    deadSegments: new Set(),
  };
  phases.push(assembleProducts('output', [product], unitRows));
  return { phases, conclude: () => ({ output, ...attend.results.conclude(gram !== null) }) };
}

interface HeadProjection {
  readonly rows: Float32Array<SharedArrayBuffer>;
  readonly rowCount: number;
  readonly linear: PackedLinear;
  readonly to: Strided;
  /** Heads that nobody reads. */
  readonly dead: ReadonlySet<number>;
}

/** A product, and what its units are planned by. */
interface CountedProduct extends Product {
  readonly rowCount: number;
  readonly deadSegments: ReadonlySet<number>;
}

/** Projections of the same rows become one product, so that a block of rows is read once for all of them. */
function assembleProjections(projections: readonly HeadProjection[], unitRows: number): PlannedPhase {
  const products = new Map<Float32Array<SharedArrayBuffer>, HeadProjection[]>();
  for (const projection of projections) {
    products.set(projection.rows, [...(products.get(projection.rows) ?? []), projection]);
  }
  return assembleProducts('project', [...products.values()].map(joinProjections), unitRows);
}

function joinProjections(projections: readonly HeadProjection[]): CountedProduct {
  const { rows, rowCount, linear } = projections[0]!;
  const outputs: ProductOutput[] = [];
  const deadSegments = new Set<number>();
  let segments = 0;
  for (const {
    linear: { panels },
    to,
    dead,
  } of projections) {
    const { data: region, headStride: segmentStride, rowStride } = to;
    outputs.push({ panels, region, segmentStride, rowStride });
    for (const head of dead) deadSegments.add(segments + head);
    segments += segmentsOf(panels);
  }
  return { rows: regionOf(rows), rowCount, depth: linear.inputs, outputs, deadSegments };
}

function outputRows(panels: Panels, output: Float32Array<SharedArrayBuffer>): ProductOutput {
  return {
    panels,
    region: regionOf(output),
    segmentStride: panels.segmentColumns,
    rowStride: panels.columns,
  };
}

function assembleProducts(
  name: 'project' | 'output',
  products: readonly CountedProduct[],
  unitRows: number,
): PlannedPhase {
  const plan = planProducts(
    products.map(({ rowCount, depth, outputs, deadSegments }) => ({
      rows: rowCount,
      depth,
      deadSegments,
      columns: outputs.reduce((sum, { panels }) => sum + panels.columns, 0),
      segments: outputs.reduce((sum, { panels }) => sum + segmentsOf(panels), 0),
    })),
    unitRows,
  );
  const described = products.map(({ rows, depth, outputs }): Product => ({ rows, depth, outputs }));
  return planPhase(name, { kind: 'project', products: described }, plan);
}

export function segmentsOf({ columns, segmentColumns }: Panels): number {
  return Math.ceil(columns / segmentColumns);
}
