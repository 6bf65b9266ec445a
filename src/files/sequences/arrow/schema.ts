// What the schema of an Arrow file says: its columns, their types and its metadata.
// Slots and numbers of types are those of Arrow's Schema.fbs.
import type { FlatTable } from './flatbuffer.js';

/** By their numbers in the file. */
const kinds = [
  'None',
  'Null',
  'Int',
  'Float',
  'Binary',
  'Utf8',
  'Bool',
  'Decimal',
  'Date',
  'Time',
  'Timestamp',
  'Interval',
  'List',
  'Struct',
  'Union',
  'FixedSizeBinary',
  'FixedSizeList',
  'Map',
  'Duration',
  'LargeBinary',
  'LargeUtf8',
  'LargeList',
  'RunEndEncoded',
  'BinaryView',
  'Utf8View',
  'ListView',
  'LargeListView',
] as const;

export type TypeKind = (typeof kinds)[number];
type PlainKind = Exclude<TypeKind, 'None' | 'Int' | 'Float' | 'FixedSizeList' | 'Union'>;

export interface IntType {
  readonly kind: 'Int';
  readonly bitWidth: number;
  readonly isSigned: boolean;
}

export type FieldType =
  | IntType
  | { readonly kind: 'Float'; readonly dtype: FloatName }
  | { readonly kind: 'FixedSizeList'; readonly listSize: number }
  | { readonly kind: 'Union'; readonly isDense: boolean }
  | { readonly kind: PlainKind };

export type FloatName = (typeof floatNames)[number];

export interface Field {
  readonly name: string;
  /** Of the values, where the column holds indices of a dictionary. */
  readonly type: FieldType;
  readonly children: readonly Field[];
  readonly dictionary: { readonly id: bigint; readonly indices: IntType } | undefined;
}

export interface Schema {
  readonly fields: readonly Field[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** By Arrow's Precision. */
const floatNames = ['F16', 'F32', 'F64'] as const;
/** How many children types have; of any number where they are not listed but may have some. */
const childCounts: Partial<Record<TypeKind, number>> = {
  List: 1,
  FixedSizeList: 1,
  Map: 1,
  LargeList: 1,
  ListView: 1,
  LargeListView: 1,
  RunEndEncoded: 2,
};
const anyChildren: ReadonlySet<TypeKind> = new Set<TypeKind>(['Struct', 'Union']);
const deepestField = 64;
/** Nested ones counted. */
const mostFields = 100_000;

/** @throws Error saying what is wrong with it */
export function readSchema(table: FlatTable): Schema {
  if (table.int16(0) !== 0) throw new Error('its numbers are big-endian');
  const count = { fields: 0 };
  const fields = Array.from(table.tables(1), (field) => readField(field, 0, count));
  return { fields, metadata: readPairs(table, 2) };
}

function readField(table: FlatTable, depth: number, count: { fields: number }): Field {
  if (depth > deepestField) throw new Error(`its types are nested more than ${deepestField} deep`);
  if (++count.fields > mostFields) throw new Error(`it has more than ${mostFields} columns`);
  const name = table.text(0);
  const type = readType(table.uint8(2), table.table(3));
  const children = Array.from(table.tables(5), (child) => readField(child, depth + 1, count));
  const wanted = anyChildren.has(type.kind) ? children.length : (childCounts[type.kind] ?? 0);
  if (children.length !== wanted) {
    throw new Error(`it has a ${type.kind} of ${children.length} types instead of ${wanted}`);
  }
  return { name, type, children, dictionary: readDictionary(table.table(4)) };
}

/** @param table absent where everything has its default */
function readType(typeNumber: number, table: FlatTable | undefined): FieldType {
  const kind = kinds[typeNumber] ?? 'None';
  if (kind === 'None') throw new Error(`it has a type of the unknown number ${typeNumber}`);
  if (kind === 'Int') return readInt(table);
  if (kind === 'Float') return { kind, dtype: readPrecision(table) };
  if (kind === 'FixedSizeList') return { kind, listSize: table?.int32(0) ?? 0 };
  if (kind === 'Union') return { kind, isDense: table?.int16(0) === 1 };
  return { kind };
}

function readPrecision(table: FlatTable | undefined): FloatName {
  const precision = table?.int16(0) ?? 0;
  const dtype = floatNames[precision];
  if (dtype === undefined) throw new Error(`it has floats of the unknown precision ${precision}`);
  return dtype;
}

function readInt(table: FlatTable | undefined): IntType {
  return { kind: 'Int', bitWidth: table?.int32(0) ?? 0, isSigned: table?.uint8(1) === 1 };
}

function readDictionary(table: FlatTable | undefined): Field['dictionary'] {
  if (table === undefined) return undefined;
  const indices = table.table(1);
  // Arrow's default.
  const int32: IntType = { kind: 'Int', bitWidth: 32, isSigned: true };
  return { id: table.int64(0), indices: indices === undefined ? int32 : readInt(indices) };
}

function readPairs(table: FlatTable, slot: number): Map<string, string> {
  return new Map(Array.from(table.tables(slot), (pair) => [pair.text(0), pair.text(1)]));
}

/** Such as "List<FixedSizeList[64]<Float32>>". */
export function formatType({ type, children, dictionary }: Omit<Field, 'name'>): string {
  if (dictionary !== undefined) {
    return `Dictionary<${formatInt(dictionary.indices)}, ${formatType({ type, children, dictionary: undefined })}>`;
  }
  if (type.kind === 'Int') return formatInt(type);
  if (type.kind === 'Float') return `Float${type.dtype.slice(1)}`;
  const size = type.kind === 'FixedSizeList' ? `[${type.listSize}]` : '';
  return `${type.kind}${size}${children.length === 0 ? '' : `<${children.map(formatType).join(', ')}>`}`;
}

function formatInt({ bitWidth, isSigned }: IntType): string {
  return `${isSigned ? 'Int' : 'Uint'}${bitWidth}`;
}
