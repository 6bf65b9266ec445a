// Finds the buffers of columns in a record batch. All columns share one list of nodes and one of buffers, so those in
// front must be counted, whatever they hold.
// Format: https://arrow.apache.org/docs/format/Columnar.html#recordbatch-message
import type { FlatVector } from './flatbuffer.js';
import type { Field, FieldType, TypeKind } from './schema.js';

/** Where a column begins in the lists of a record batch. */
export interface ColumnStart {
  readonly node: number;
  readonly buffer: number;
  readonly view: number;
}

/** In front of this version, Arrow's V5, unions had a bitmap too. */
const firstWithoutUnionNulls = 4;

/** Of those that don't have two, a bitmap and the values or offsets. */
const bufferCounts: Partial<Record<TypeKind, number>> = {
  Null: 0,
  RunEndEncoded: 0,
  Struct: 1,
  FixedSizeList: 1,
  Utf8: 3,
  Binary: 3,
  LargeUtf8: 3,
  LargeBinary: 3,
  ListView: 3,
  LargeListView: 3,
};
const viewKinds: ReadonlySet<TypeKind> = new Set<TypeKind>(['Utf8View', 'BinaryView']);

interface Batch {
  readonly viewCounts: FlatVector;
  /** Of the metadata, Arrow's MetadataVersion. */
  readonly version: number;
}

/** Where each column begins, and at last where the lists must end. */
export function locateColumns(
  fields: readonly Pick<Field, 'type' | 'children' | 'dictionary'>[],
  { viewCounts, version }: Batch,
): ColumnStart[] {
  let [node, buffer, view] = [0, 0, 0];
  const countBuffers = (type: FieldType): number => {
    if (type.kind === 'Union') return (type.isDense ? 2 : 1) + (version < firstWithoutUnionNulls ? 1 : 0);
    if (viewKinds.has(type.kind)) return 2 + countViews(viewCounts, view++);
    return bufferCounts[type.kind] ?? 2;
  };
  const pass = ({ type, children, dictionary }: (typeof fields)[number]): void => {
    node++;
    // The values of a dictionary are in messages of their own.
    buffer += dictionary === undefined ? countBuffers(type) : 2;
    if (dictionary === undefined) children.forEach(pass);
  };
  const starts = fields.map((field) => {
    const start = { node, buffer, view };
    pass(field);
    return start;
  });
  return [...starts, { node, buffer, view }];
}

/** How many further buffers the column of views number `view` has. */
export function countViews(viewCounts: FlatVector, view: number): number {
  return view < viewCounts.length ? Math.max(0, viewCounts.int64(view)) : 0;
}
