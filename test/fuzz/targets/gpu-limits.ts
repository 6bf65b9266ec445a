// Adapters whose limits lie: they are refused, or what is planned for them stays inside their limits. Needs no device, for
// programs are plans.
import { RegionViews, type Region } from '../../../src/core/tensor/region.js';
import { entryWords, unitWords } from '../../../src/core/protocol/tables.js';
import { packedLength } from '../../../src/core/protocol/layout.js';
import { rowsTogether } from '../../../src/core/protocol/strided.js';
import type { AttentionWork } from '../../../src/core/protocol/attention-work.js';
import type { AdapterLimits } from '../../../src/core/protocol/kernels.js';
import type { Product } from '../../../src/core/protocol/layer-work.js';
import { checkAdapter, describeAdapter } from '../../../workers/kernels/gpu/adapter.js';
import { bindingAlignment, roundUp } from '../../../workers/kernels/gpu/device-buffers.js';
import type { Bound, Dispatch, ProgramContext } from '../../../workers/kernels/gpu/dispatch.js';
import { panelColumns } from '../../../workers/kernels/gpu/panels.js';
import { attendProgram } from '../../../workers/kernels/gpu/programs/attend.js';
import { projectProgram } from '../../../workers/kernels/gpu/programs/project.js';
import { createDraw, type Draw } from '../draw.js';
import type { FuzzTarget } from '../target.js';

/** What WebGPU promises. */
const usual = {
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
  maxComputeWorkgroupStorageSize: 2 ** 14,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupsPerDimension: 65_535,
  maxStorageBuffersPerShaderStage: 8,
};

const lies = [
  -1, 0, 0.5, 1, 255, 4096, 65_535, 2 ** 27 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, 1e300, NaN, Infinity, -Infinity,
  undefined, null, '2147483648',
] as const; // prettier-ignore

function drawLimits(draw: Draw): GPUSupportedLimits {
  const limits: Record<string, unknown> = { ...usual };
  for (let count = draw.below(3); count > 0; count--) limits[draw.pick(Object.keys(usual))] = draw.pick(lies);
  return limits as unknown as GPUSupportedLimits;
}

const info = { vendor: 'v', architecture: 'a', device: 'd', description: 'd', isFallbackAdapter: false };

/** As the opening of a device takes them, or as small as tests make them. */
function takeLimits(draw: Draw): AdapterLimits {
  const limits = drawLimits(draw);
  checkAdapter({ info, limits } as unknown as GPUAdapter, false);
  const taken = describeAdapter(info as GPUAdapterInfo, limits).limits;
  const small = 300 + draw.below(20_000);
  return draw.isLucky(0.5) ? taken : { ...taken, maxStorageBufferBindingSize: small };
}

/** Of numbers that nobody reads. */
const region = (floats: number): Region => ({ buffer: null, byteOffset: 0, byteLength: 4 * floats });

/** Large enough to be cut by what binds least, in few enough pieces to be looked at. */
function drawSizes(draw: Draw, { maxStorageBufferBindingSize }: AdapterLimits) {
  const isSmall = maxStorageBufferBindingSize < 2 ** 20;
  const size = (small: number, large: number): number => 1 + draw.below(isSmall ? small : large);
  return { rows: size(200, 2 ** 16), keys: size(300, 2 ** 16), width: size(40, 300), heads: size(3, 8) };
}

type Sizes = ReturnType<typeof drawSizes>;

function attention({ rows, keys, width, heads }: Sizes, draw: Draw): AttentionWork {
  const operand = (tokens: number) => rowsTogether(region(tokens * heads * width), 0, heads, width, tokens);
  const columns = {
    data: region(heads * rows * keys),
    offset: 0,
    entryStride: 0,
    headStride: rows * keys,
    rowStride: keys,
    columnStride: 1,
  };
  const bias = draw.isLucky(0.3) ? columns : null;
  const mask = draw.isLucky(0.3)
    ? { ...columns, data: { ...columns.data, byteLength: heads * rows * keys } }
    : null;
  const weights = draw.isLucky(0.3)
    ? { ...columns, extraColumn: keys, share: 1, isAdded: draw.isLucky(0.3) }
    : null;
  const none = { alibiSlopes: null, sinks: null, headScale: null };
  return {
    heads,
    kvHeads: heads,
    headDim: width,
    valueDim: width,
    rules: { scale: 1, softcap: 0, left: Infinity, right: Infinity, bias, mask, ...none },
    query: operand(rows),
    key: operand(keys),
    value: operand(keys),
    paging: null,
    output: operand(rows),
    extra: null,
    deadHeads: [],
    weights,
    scores: null,
    statistics: null,
    logSumExp: null,
  };
}

function planAttention(sizes: Sizes, draw: Draw, context: ProgramContext): readonly Dispatch[] {
  const entry = new Float64Array(entryWords.count);
  entry[entryWords.queries] = sizes.rows;
  entry[entryWords.keys] = sizes.keys;
  const units = Int32Array.of(0, 0, sizes.heads, 0, sizes.rows);
  return attendProgram(attention(sizes, draw), units, [entry], context).dispatches;
}

function planProduct({ rows, keys, width, heads }: Sizes, draw: Draw, context: ProgramContext) {
  const [depth, segmentColumns] = [1 + (keys % 5000), width];
  const columns = heads * segmentColumns;
  const segments = draw.isLucky(0.5)
    ? { segmentStride: segmentColumns, rowStride: columns }
    : { segmentStride: rows * segmentColumns, rowStride: segmentColumns };
  const packed = region(heads * packedLength(segmentColumns, depth, panelColumns));
  const product: Product = {
    rows: region(rows * depth),
    depth,
    outputs: [
      { panels: { region: packed, columns, segmentColumns }, region: region(rows * columns), ...segments },
    ],
  };
  const units = new Int32Array(unitWords);
  units.set([0, 0, rows, 0, heads]);
  return projectProgram({ kind: 'project', products: [product] }, units, context).dispatches;
}

/** @throws RangeError if a dispatch binds or starts more than the limits allow */
function check({ bound, groups, shader }: Dispatch, limits: AdapterLimits): void {
  for (const operand of bound) {
    const { first, bytes, of } = placeOf(operand);
    if (!(bytes <= limits.maxStorageBufferBindingSize))
      throw new RangeError(`${shader.name} binds ${bytes} bytes`);
    if (first % bindingAlignment !== 0) throw new RangeError(`${shader.name} binds from ${first} on`);
    // A buffer ends where a binding may begin.
    if (first + bytes > roundUp(of, bindingAlignment))
      throw new RangeError(`${shader.name} binds ${bytes} bytes from ${first} on of ${of}`);
  }
  if (groups.some((count) => !(count >= 0 && count <= limits.maxComputeWorkgroupsPerDimension)))
    throw new RangeError(`${shader.name} has ${groups.join(' x ')} workgroups`);
  if (bound.length > limits.maxStorageBuffersPerShaderStage)
    throw new RangeError(`${shader.name} binds ${bound.length} buffers`);
}

function placeOf(operand: Bound): { readonly first: number; readonly bytes: number; readonly of: number } {
  if ('kind' in operand && operand.kind === 'part')
    return { first: operand.byteOffset, bytes: operand.byteLength, of: operand.of.byteLength };
  const bytes = 'kind' in operand && operand.kind === 'table' ? operand.bytes.byteLength : operand.byteLength;
  return { first: 0, bytes, of: bytes };
}

export const gpuLimits: FuzzTarget = {
  createSeeds: () => Promise.resolve([Buffer.from([1, 2, 3, 4])]),
  damage: (_, draw) => Uint8Array.from({ length: 4 }, () => draw.below(256)),
  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is a rejection
  async take(bytes) {
    const draw = createDraw(Buffer.from(bytes).readUInt32LE(0));
    const limits = takeLimits(draw);
    const context = { limits, views: new RegionViews(undefined), made: () => new Float32Array(0) };
    const sizes = drawSizes(draw, limits);
    const plan = draw.isLucky(0.5) ? planAttention : planProduct;
    for (const dispatch of plan(sizes, draw, context)) check(dispatch, limits);
    return 0;
  },
};
