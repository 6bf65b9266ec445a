// A product as the device is asked for it: the form of the shader, its parameters, and how many workgroups it takes. All
// follows from shapes.
import { foldGroups, type Groups } from './groups.js';
import { panelColumns, panelsOf, panelsOfSegment, type PanelShape } from './panels.js';
import { defineUniform } from './uniform.js';

/** What the text of the shader depends on. */
export interface ProductForm {
  /** Rows and columns of a tile: 64 (256 threads), or 32 (64 threads) where there is little to compute. */
  readonly tile: 32 | 64;
  /** Rows are read as vec4: the depth and where they start are multiples of 4. */
  readonly isWide: boolean;
  /** Panels are written as vec4: so are what they lie apart by and where they start, and none has fewer columns. */
  readonly storesWide: boolean;
}

/** One output of a product, or a range of its rows. */
export interface ProductCall extends PanelShape {
  readonly firstRow: number;
  readonly endRow: number;
  /** Element (row, k) is read at rowsOffset + row * depth + k. */
  readonly rowsOffset: number;
  /** Where the first panel starts, in vectors of 4. */
  readonly panelsOffset: number;
  /** Element (row, column c of segment s) goes to outputOffset + s * segmentStride + row * rowStride + c. */
  readonly outputOffset: number;
  readonly segmentStride: number;
  readonly rowStride: number;
  /** How many panels are alive where they come as a list, because some are dead. */
  readonly listed: number | null;
}

// Fewer tiles of 64 than this leave parts of a device without work.
const enoughTiles = 64;

/** Follows from shapes alone. The bytes are the same in every form. */
export function productForm(call: ProductCall): ProductForm {
  const tiles = Math.ceil((call.endRow - call.firstRow) / 64) * Math.ceil(panelCount(call) / 16);
  return {
    tile: tiles >= enoughTiles ? 64 : 32,
    isWide: call.depth % 4 === 0 && call.rowsOffset % 4 === 0,
    storesWide: [
      call.columns,
      call.segmentColumns,
      call.segmentStride,
      call.rowStride,
      call.outputOffset,
    ].every((length) => length % 4 === 0),
  };
}

export function productGroups({ tile }: ProductForm, call: ProductCall): Groups {
  const rows = Math.ceil((call.endRow - call.firstRow) / tile);
  return foldGroups(rows * tileColumns(tile, call));
}

export function productUniform({ tile }: ProductForm, call: ProductCall): ArrayBuffer {
  return productBlock.fill({
    ...call,
    isListed: call.listed === null ? 0 : 1,
    panelCount: panelCount(call),
    panelsOfSegment: panelsOfSegment(call),
    tileColumns: tileColumns(tile, call),
  });
}

function panelCount(call: ProductCall): number {
  return call.listed ?? panelsOf(call);
}

function tileColumns(tile: number, call: ProductCall): number {
  return Math.ceil((panelCount(call) * panelColumns) / tile);
}

/** The block of the shader's parameters. */
export const productBlock = defineUniform({
  depth: 'u32',
  firstRow: 'u32',
  endRow: 'u32',
  rowsOffset: 'u32',
  panelsOffset: 'u32',
  panelCount: 'u32',
  isListed: 'u32',
  panelsOfSegment: 'u32',
  tileColumns: 'u32',
  columns: 'u32',
  segmentColumns: 'u32',
  segmentStride: 'u32',
  rowStride: 'u32',
  outputOffset: 'u32',
});
