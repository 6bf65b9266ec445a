// Finds the columns of a schema that hold sequences and their names.
import type { DataType, Dictionary, Field, Schema } from 'apache-arrow';
import { invalidFile } from '../../../core/errors.js';
import { quoteName } from '../../field-name.js';
import { checkWidth } from '../reader-stream.js';
import type { ArrowPackage } from './load-arrow.js';

export const rowsColumn = 'x';
export const namesColumn = 'id';

export interface Column {
  readonly name: string;
  /** Among the columns of the schema. */
  readonly index: number;
}

/** Lists of lists of modelDim floats. */
export interface RowsColumn extends Column {
  readonly offsetBytes: 4 | 8;
  readonly dtype: 'F16' | 'F32' | 'F64';
}

export interface NamesColumn extends Column {
  /** Of the names themselves, where the column holds indices of a dictionary. */
  readonly type: DataType;
  readonly dictionary: Dictionary | undefined;
}

export interface Columns {
  /** Of all columns. */
  readonly types: readonly DataType[];
  readonly rows: RowsColumn;
  readonly names: NamesColumn | undefined;
}

/** @throws INVALID_FILE naming the columns, INVALID_SHAPE if the rows have another width */
export function findColumns(
  pkg: ArrowPackage,
  { schema, path, modelDim }: { schema: Schema; path: string; modelDim: number },
): Columns {
  const fields = schema.fields as readonly Field<DataType>[];
  const rows = findRows(pkg, fields, path);
  checkWidth(path, modelDim, rows.width);
  return { types: fields.map(({ type }) => type), rows, names: findNames(pkg, fields, path) };
}

function findRows({ arrow }: ArrowPackage, fields: readonly Field<DataType>[], path: string) {
  const wanted = 'lists of fixed-size lists of floats';
  const candidates = fields.flatMap(({ name, type }, index) => {
    const found = describeRows(arrow, type);
    return found === undefined ? [] : [{ ...found, name: quoteName(name), index }];
  });
  const isNamed = fields.some(({ name }) => name === rowsColumn);
  const matches = isNamed ? candidates.filter(({ name }) => name === rowsColumn) : candidates;
  if (matches.length === 1) return matches[0]!;
  const columns = fields.map(({ name, type }) => `${quoteName(name)}: ${typeName(type)}`);
  throw invalidFile(path, `one column ${rowsColumn}, or a single column, of ${wanted}`, 'columns', columns);
}

/** What a column of sequences holds; undefined if it is another. */
function describeRows({ DataType, Type }: ArrowPackage['arrow'], type: DataType) {
  const isLarge = (type.typeId as number) === (Type.LargeList as number);
  if (!DataType.isList(type) && !isLarge) return undefined;
  const offsetBytes = isLarge ? (8 as const) : (4 as const);
  const rows = (type.children[0] as Field<DataType>).type;
  if (!DataType.isFixedSizeList(rows)) return undefined;
  const numbers = rows.valueType as DataType;
  const dtype = DataType.isFloat(numbers) ? floatNames[numbers.precision] : undefined;
  return dtype && { width: rows.listSize, offsetBytes, dtype };
}

/** By Arrow's Precision. */
const floatNames: readonly ('F16' | 'F32' | 'F64')[] = ['F16', 'F32', 'F64'];

function findNames(
  { arrow: { DataType, Type } }: ArrowPackage,
  fields: readonly Field<DataType>[],
  path: string,
): NamesColumn | undefined {
  const index = fields.findIndex(({ name }) => name === namesColumn);
  if (index < 0) return undefined;
  const column = fields[index]!.type;
  const dictionary = DataType.isDictionary(column) ? column : undefined;
  const type = dictionary === undefined ? column : (dictionary.dictionary as DataType);
  const known = new Set<number>([Type.Int, Type.Utf8, Type.LargeUtf8, Type.Utf8View]);
  if (known.has(type.typeId)) return { name: namesColumn, index, type, dictionary };
  throw invalidFile(path, 'texts or integers', namesColumn, typeName(column));
}

/** Such as "List<FixedSizeList[64]<Float32>>". */
function typeName(type: DataType): string {
  return (type as { toString(): string }).toString();
}
