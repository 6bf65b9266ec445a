// Finds the columns of a schema that hold sequences and their names.
import { invalidFile } from '../../../core/errors.js';
import { quoteName } from '../../field-name.js';
import { checkWidth } from '../reader-stream.js';
import { formatType, type Field, type FloatName, type Schema, type TypeKind } from './schema.js';

export const rowsColumn = 'x';
export const namesColumn = 'id';

export interface Column {
  readonly name: string;
  /** Among the columns of the schema. */
  readonly index: number;
}

/** Lists of tokens, or a single token a row; tokens are lists of floats. */
export interface RowsColumn extends Column {
  /** Of the lists of tokens; undefined where each row is one token. */
  readonly listOffsetBytes: 4 | 8 | undefined;
  /** Of the tokens; undefined where their lists are of fixed size. */
  readonly tokenOffsetBytes: 4 | 8 | undefined;
  readonly dtype: FloatName;
}

export interface NamesColumn extends Column {
  readonly field: Field;
}

export interface Columns {
  readonly fields: readonly Field[];
  readonly rows: RowsColumn;
  readonly names: NamesColumn | undefined;
}

interface Candidate extends RowsColumn {
  /** Undefined where the lists tell it themselves. */
  readonly width: number | undefined;
}

/** @throws INVALID_FILE naming the columns, INVALID_SHAPE if the rows have another width */
export function findColumns(
  { fields }: Schema,
  { path, modelDim }: { path: string; modelDim: number },
): Columns {
  const { width, ...rows } = findRows(fields, path);
  if (width !== undefined) checkWidth(path, modelDim, width);
  return { fields, rows, names: findNames(fields, path) };
}

function findRows(fields: readonly Field[], path: string): Candidate {
  const candidates = fields.flatMap((field, index) => {
    const found = describeRows(field);
    return found === undefined ? [] : [{ ...found, name: quoteName(field.name), index }];
  });
  const isNamed = fields.some(({ name }) => name === rowsColumn);
  const matches = isNamed ? candidates.filter(({ name }) => name === rowsColumn) : candidates;
  const ofTokens = matches.filter(({ listOffsetBytes }) => listOffsetBytes !== undefined);
  // A column of single lists beside sequences is something else.
  const chosen = ofTokens.length > 0 ? ofTokens : matches;
  if (chosen.length === 1) return chosen[0]!;
  const columns = fields.map((field) => `${quoteName(field.name)}: ${formatType(field)}`);
  const what = `one column ${rowsColumn}, or a single column, of lists of lists of floats or of lists of floats,`;
  throw invalidFile(path, what, 'columns', columns);
}

/** What a column of sequences holds; undefined if it is another. */
function describeRows(field: Field): Omit<Candidate, keyof Column> | undefined {
  const single = describeTokens(field);
  if (single !== undefined) return { ...single, listOffsetBytes: undefined };
  const listOffsetBytes = listOffsets[field.type.kind];
  if (listOffsetBytes === undefined || field.dictionary !== undefined) return undefined;
  const tokens = describeTokens(field.children[0]!);
  return tokens && { ...tokens, listOffsetBytes };
}

const listOffsets: Partial<Record<TypeKind, 4 | 8>> = { List: 4, LargeList: 8 };

/** A list of floats of any kind. */
function describeTokens({ type, children, dictionary }: Field) {
  const tokenOffsetBytes = listOffsets[type.kind];
  if (dictionary !== undefined) return undefined;
  if (type.kind !== 'FixedSizeList' && tokenOffsetBytes === undefined) return undefined;
  const numbers = children[0]!;
  if (numbers.type.kind !== 'Float' || numbers.dictionary !== undefined) return undefined;
  const width = type.kind === 'FixedSizeList' ? type.listSize : undefined;
  return { tokenOffsetBytes, width, dtype: numbers.type.dtype };
}

const nameKinds: ReadonlySet<TypeKind> = new Set<TypeKind>(['Int', 'Utf8', 'LargeUtf8', 'Utf8View']);

function findNames(fields: readonly Field[], path: string): NamesColumn | undefined {
  const index = fields.findIndex(({ name }) => name === namesColumn);
  const field = fields[index];
  if (field === undefined) return undefined;
  if (nameKinds.has(field.type.kind)) return { name: namesColumn, index, field };
  throw invalidFile(path, 'texts or integers', namesColumn, formatType(field));
}
