// Rows times packed weights on the device. A workgroup computes a square tile: it fetches `stepDepth` of the depth of its
// rows and panels into its memory, and each thread multiplies 4 rows with one panel of 4 columns in registers.
import { foldGroups, unfoldGroup, type Groups } from './groups.js';
import { panelColumns, panelsOf, panelsOfSegment, type PanelShape } from './panels.js';
import type { Shader } from './shader.js';
import { defineUniform } from './uniform.js';

/** What the text of the shader depends on. */
export interface ProductForm {
  /** Rows and columns of a tile: 64 (256 threads), or 32 (64 threads) where there is little to compute. */
  readonly tile: 32 | 64;
  /** Rows are read as vec4: the depth and where they start are multiples of 4. */
  readonly isWide: boolean;
  /** The panels to compute come as a list, because some are dead. */
  readonly isListed: boolean;
}

/** One output of a product, or a range of its rows. */
export interface ProductCall extends PanelShape {
  readonly firstRow: number;
  readonly endRow: number;
  /** Element (row, k) is read at rowsOffset + row * depth + k. */
  readonly rowsOffset: number;
  /** In panels of vec4: where the first one starts. */
  readonly panelsOffset: number;
  /** Element (row, column c of segment s) goes to outputOffset + s * segmentStride + row * rowStride + c. */
  readonly outputOffset: number;
  readonly segmentStride: number;
  readonly rowStride: number;
  /** How many panels are alive where they are listed. */
  readonly listed: number | null;
}

/** Depth that is fetched at a time. */
export const stepDepth = 16;
/** Rows of a thread; its columns are those of one panel. */
export const threadRows = 4;

// Fewer tiles of 64 than this leave parts of a device without work.
const enoughTiles = 64;

/** Follows from shapes alone. The bytes are the same in every form. */
export function productForm(call: ProductCall): ProductForm {
  const tiles = Math.ceil((call.endRow - call.firstRow) / 64) * Math.ceil(panelCount(call) / 16);
  return {
    tile: tiles >= enoughTiles ? 64 : 32,
    isWide: call.depth % 4 === 0 && call.rowsOffset % 4 === 0,
    isListed: call.listed !== null,
  };
}

export function productGroups({ tile }: ProductForm, call: ProductCall): Groups {
  const rows = Math.ceil((call.endRow - call.firstRow) / tile);
  return foldGroups(rows * tileColumns(tile, call));
}

export function productUniform({ tile }: ProductForm, call: ProductCall): ArrayBuffer {
  return uniform.fill({
    ...call,
    panelCount: panelCount(call),
    panelsOfSegment: panelsOfSegment(call),
    tileColumns: tileColumns(tile, call),
  });
}

function panelCount(call: ProductCall): number {
  return call.listed ?? panelsOf(call);
}

function tileColumns(tile: number, call: ProductCall): number {
  return Math.max(1, Math.ceil((panelCount(call) * panelColumns) / tile));
}

const uniform = defineUniform({
  depth: 'u32',
  firstRow: 'u32',
  endRow: 'u32',
  rowsOffset: 'u32',
  panelsOffset: 'u32',
  panelCount: 'u32',
  panelsOfSegment: 'u32',
  tileColumns: 'u32',
  columns: 'u32',
  segmentColumns: 'u32',
  segmentStride: 'u32',
  rowStride: 'u32',
  outputOffset: 'u32',
});

/** How the threads of a form share a tile. */
export function productTile({ tile }: Pick<ProductForm, 'tile'>) {
  const across = tile / panelColumns;
  const threads = across * (tile / threadRows);
  const stepVectors = stepDepth / 4;
  return {
    threads,
    /** Threads along the columns, each with a panel; as many along the rows. */
    across,
    /** Vectors of rows, and of panels, that each thread fetches a step. */
    fetches: (tile * stepVectors) / threads,
    stepVectors,
    /** One vector more than a step, so that neighbours read from different banks. */
    panelPitch: stepDepth + 1,
  };
}

/** Bindings: uniform, rows, panels, the list of panels where there is one, output. */
export function productShader(form: ProductForm): Shader {
  const { tile, isWide, isListed } = form;
  const { threads, across, fetches, stepVectors, panelPitch } = productTile(form);
  const each = (count: number, text: (n: number) => string): string =>
    Array.from({ length: count }, (_, n) => text(n)).join('\n');
  const output = isListed ? 4 : 3;
  const code = `${uniform.declaration}
@group(0) @binding(1) var<storage, read> rows: array<${isWide ? 'vec4<f32>' : 'f32'}>;
@group(0) @binding(2) var<storage, read> panels: array<vec4<f32>>;
${isListed ? '@group(0) @binding(3) var<storage, read> list: array<u32>;' : ''}
@group(0) @binding(${output}) var<storage, read_write> output: array<f32>;

var<workgroup> rowTile: array<vec4<f32>, ${tile * stepVectors}>; // [row][depth / 4]
var<workgroup> panelTile: array<vec4<f32>, ${across * panelPitch}>; // [panel][depth]
${unfoldGroup}

fn panelAt(n: u32) -> u32 {
  return ${isListed ? 'list[n]' : 'n'};
}

fn fetchRow(row: u32, k: u32) -> vec4<f32> {
  var fetched = vec4<f32>();
  if (row < given.endRow && k < given.depth) {
    let at = given.rowsOffset + row * given.depth + k;
    ${isWide ? wideRow : narrowRow}
  }
  return fetched;
}

fn fetchPanel(n: u32, k: u32) -> vec4<f32> {
  var fetched = vec4<f32>();
  if (n < given.panelCount && k < given.depth) {
    fetched = panels[given.panelsOffset + panelAt(n) * (1u + given.depth) + 1u + k];
  }
  return fetched;
}

@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let tile = unfold(group, groups);
  let firstRow = given.firstRow + (tile / given.tileColumns) * ${tile}u;
  let firstPanel = (tile % given.tileColumns) * ${across}u;
  let across = thread % ${across}u;
  let down = thread / ${across}u;
  let n = firstPanel + across;

  // The rows of a thread lie apart, so that neighbours read neighbouring rows.
  var bias = vec4<f32>();
  if (n < given.panelCount) {
    bias = panels[given.panelsOffset + panelAt(n) * (1u + given.depth)];
  }
${each(threadRows, (i) => `  var sum${i} = bias;`)}

  let rowFetched = firstRow + thread / ${stepVectors}u;
  let rowDepth = 4u * (thread % ${stepVectors}u);
  let panelFetched = firstPanel + thread / ${stepDepth}u;
  let panelDepth = thread % ${stepDepth}u;
${each(
  fetches,
  (f) => `  var nextRow${f} = fetchRow(rowFetched + ${(f * threads) / stepVectors}u, rowDepth);
  var nextPanel${f} = fetchPanel(panelFetched + ${(f * threads) / stepDepth}u, panelDepth);`,
)}
  for (var start = 0u; start < given.depth; start += ${stepDepth}u) {
    workgroupBarrier();
${each(
  fetches,
  (f) => `    rowTile[thread + ${f * threads}u] = nextRow${f};
    panelTile[(thread / ${stepDepth}u + ${(f * threads) / stepDepth}u) * ${panelPitch}u + panelDepth] = nextPanel${f};`,
)}
    workgroupBarrier();
    // What the next step needs is under way while this one computes.
${each(
  fetches,
  (
    f,
  ) => `    nextRow${f} = fetchRow(rowFetched + ${(f * threads) / stepVectors}u, start + ${stepDepth}u + rowDepth);
    nextPanel${f} = fetchPanel(panelFetched + ${(f * threads) / stepDepth}u, start + ${stepDepth}u + panelDepth);`,
)}
    for (var k = 0u; k < ${stepVectors}u; k++) {
${each(threadRows, (i) => `      let row${i} = rowTile[(down + ${i * across}u) * ${stepVectors}u + k];`)}
${each(
  4,
  (d) => `      let weights${d} = panelTile[across * ${panelPitch}u + 4u * k + ${d}u];
${each(threadRows, (i) => `      sum${i} = fma(vec4<f32>(row${i}[${d}]), weights${d}, sum${i});`)}`,
)}
    }
  }

  if (n < given.panelCount) {
    let panel = panelAt(n);
    let segment = panel / given.panelsOfSegment;
    let column = (panel % given.panelsOfSegment) * ${panelColumns}u;
    let columns = min(given.segmentColumns, given.columns - segment * given.segmentColumns) - column;
    let at = given.outputOffset + segment * given.segmentStride + column;
${each(threadRows, (i) => `    store(firstRow + down + ${i * across}u, at, columns, sum${i});`)}
  }
}

fn store(row: u32, at: u32, columns: u32, sum: vec4<f32>) {
  if (row < given.endRow) {
    let start = at + row * given.rowStride;
    for (var c = 0u; c < min(columns, ${panelColumns}u); c++) { output[start + c] = sum[c]; }
  }
}
`;
  const list = isListed ? (['read'] as const) : [];
  return { name: 'product', code, bindings: ['uniform', 'read', 'read', ...list, 'write'] };
}

const wideRow = 'fetched = rows[at / 4u];';
const narrowRow = `for (var d = 0u; d < min(4u, given.depth - k); d++) { fetched[d] = rows[at + d]; }`;
