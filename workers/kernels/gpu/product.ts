// Rows times packed weights on the device. A workgroup computes a square tile: it fetches `stepDepth` of the depth of its
// rows and panels into its memory, and each thread multiplies 4 rows with one panel of 4 columns in registers.
import { unfoldGroup } from './groups.js';
import { panelColumns } from './panels.js';
import { productBlock, type ProductForm } from './product-call.js';
import type { Shader } from './shader.js';

/** Depth that is fetched at a time. */
export const stepDepth = 16;
/** Rows of a thread; its columns are those of one panel. */
export const threadRows = 4;

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

/** Bindings: uniform, rows, panels, the list of panels (not read where all are alive), output. */
export function productShader(form: ProductForm): Shader {
  const { tile, isWide, storesWide } = form;
  const { threads, across, fetches, stepVectors, panelPitch } = productTile(form);
  const each = (count: number, text: (n: number) => string): string =>
    Array.from({ length: count }, (_, n) => text(n)).join('\n');
  const code = `${productBlock.declaration}
@group(0) @binding(1) var<storage, read> rows: array<${isWide ? 'vec4<f32>' : 'f32'}>;
@group(0) @binding(2) var<storage, read> panels: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> list: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<${storesWide ? 'vec4<f32>' : 'f32'}>;

var<workgroup> rowTile: array<vec4<f32>, ${tile * stepVectors}>; // [row][depth / 4]
var<workgroup> panelTile: array<vec4<f32>, ${across * panelPitch}>; // [panel][depth]
${unfoldGroup}

fn panelAt(n: u32) -> u32 {
  var panel = n;
  if (given.isListed != 0u) { panel = list[n]; }
  return panel;
}

// Where panel n of those to compute starts, with its biases.
fn startOf(n: u32) -> u32 {
  var start = 0u;
  if (n < given.panelCount) { start = given.panelsOffset + panelAt(n) * (1u + given.depth); }
  return start;
}

fn fetchRow(row: u32, k: u32) -> vec4<f32> {
  var fetched = vec4<f32>();
  if (row < given.endRow && k < given.depth) {
    let at = given.rowsOffset + row * given.depth + k;
    ${isWide ? 'fetched = rows[at / 4u];' : fetchNarrow}
  }
  return fetched;
}

fn fetchPanel(n: u32, start: u32, k: u32) -> vec4<f32> {
  var fetched = vec4<f32>();
  if (n < given.panelCount && k < given.depth) { fetched = panels[start + 1u + k]; }
  return fetched;
}

fn store(row: u32, at: u32, columns: u32, sum: vec4<f32>) {
  if (row < given.endRow) {
    let start = at + row * given.rowStride;
    ${storesWide ? 'output[start / 4u] = sum;' : storeNarrow}
  }
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
  if (n < given.panelCount) { bias = panels[startOf(n)]; }
${each(threadRows, (i) => `  var sum${i} = bias;`)}

  let rowDepth = 4u * (thread % ${stepVectors}u);
  let panelDepth = thread % ${stepDepth}u;
${each(
  fetches,
  (f) => `  let row${f} = firstRow + thread / ${stepVectors}u + ${(f * threads) / stepVectors}u;
  let panel${f} = thread / ${stepDepth}u + ${(f * threads) / stepDepth}u;
  let start${f} = startOf(firstPanel + panel${f});
  var nextRow${f} = fetchRow(row${f}, rowDepth);
  var nextPanel${f} = fetchPanel(firstPanel + panel${f}, start${f}, panelDepth);`,
)}
  for (var k = 0u; k < given.depth; k += ${stepDepth}u) {
    workgroupBarrier();
${each(
  fetches,
  (f) => `    rowTile[thread + ${f * threads}u] = nextRow${f};
    panelTile[panel${f} * ${panelPitch}u + panelDepth] = nextPanel${f};`,
)}
    workgroupBarrier();
    // What the next step needs is under way while this one computes.
${each(
  fetches,
  (f) => `    nextRow${f} = fetchRow(row${f}, k + ${stepDepth}u + rowDepth);
    nextPanel${f} = fetchPanel(firstPanel + panel${f}, start${f}, k + ${stepDepth}u + panelDepth);`,
)}
    for (var v = 0u; v < ${stepVectors}u; v++) {
${each(threadRows, (i) => `      let x${i} = rowTile[(down + ${i * across}u) * ${stepVectors}u + v];`)}
${each(
  4,
  (d) => `      let weights${d} = panelTile[across * ${panelPitch}u + 4u * v + ${d}u];
${each(threadRows, (i) => `      sum${i} = fma(vec4<f32>(x${i}[${d}]), weights${d}, sum${i});`)}`,
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
`;
  return { name: 'product', code, bindings: ['uniform', 'read', 'read', 'read', 'write'] };
}

const fetchNarrow = `fetched.x = rows[at];
    if (k + 1u < given.depth) { fetched.y = rows[at + 1u]; }
    if (k + 2u < given.depth) { fetched.z = rows[at + 2u]; }
    if (k + 3u < given.depth) { fetched.w = rows[at + 3u]; }`;

const storeNarrow = `output[start] = sum.x;
    if (columns > 1u) { output[start + 1u] = sum.y; }
    if (columns > 2u) { output[start + 2u] = sum.z; }
    if (columns > 3u) { output[start + 3u] = sum.w; }`;
