// Finds the buffers of columns in a record batch. All columns share one list of nodes and one of buffers, so those in
// front must be counted, whatever they hold.
// Format: https://arrow.apache.org/docs/format/Columnar.html#recordbatch-message
import type { DataType, Field } from 'apache-arrow';
import type { ArrowPackage } from './load-arrow.js';

/** Where a column begins in the lists of a record batch. */
export interface ColumnStart {
  readonly node: number;
  readonly buffer: number;
  readonly view: number;
}

/** In front of this version, Arrow's V5, unions had a bitmap too. */
const firstWithoutUnionNulls = 4;

/**
 * Where each column begins, and at last where the lists must end.
 * @param viewCounts how many further buffers each column of string views has
 * @param version of the metadata, Arrow's MetadataVersion
 */
export function locateColumns(
  { arrow }: ArrowPackage,
  types: readonly DataType[],
  { viewCounts, version }: { viewCounts: readonly number[] | undefined; version: number },
): ColumnStart[] {
  const { DataType, Type } = arrow;
  const ofOne = new Set<number>([Type.Struct, Type.FixedSizeList]);
  const ofThree = new Set<number>([Type.Utf8, Type.LargeUtf8, Type.Binary, Type.LargeBinary]);
  const ofViews = new Set<number>([Type.Utf8View, Type.BinaryView]);
  let [node, buffer, view] = [0, 0, 0];
  const countBuffers = (type: DataType): number => {
    if (DataType.isNull(type)) return 0;
    if (DataType.isUnion(type)) {
      return (DataType.isDenseUnion(type) ? 2 : 1) + (version < firstWithoutUnionNulls ? 1 : 0);
    }
    if (ofViews.has(type.typeId)) return 2 + countViews(viewCounts, view++);
    return ofOne.has(type.typeId) ? 1 : ofThree.has(type.typeId) ? 3 : 2;
  };
  const pass = (type: DataType): void => {
    node++;
    buffer += countBuffers(type);
    if (DataType.isDictionary(type)) return; // Its values are in messages of their own.
    for (const { type: child } of (type.children as readonly Field<DataType>[] | null) ?? []) pass(child);
  };
  const starts = types.map((type) => {
    const start = { node, buffer, view };
    pass(type);
    return start;
  });
  return [...starts, { node, buffer, view }];
}

/** How many further buffers the column of views number `view` has; older releases of the package know none. */
export function countViews(viewCounts: readonly number[] | undefined, view: number): number {
  return Math.max(0, viewCounts?.[view] ?? 0);
}
