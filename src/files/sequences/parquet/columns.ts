// Finds the columns of a Parquet file that hold sequences and their names.
import { invalidFile } from '../../../core/errors.js';
import { quoteName } from '../../field-name.js';
import type { SchemaTree } from './load-parquet.js';

export const rowsColumn = 'x';
export const namesColumn = 'id';

export interface ParquetColumns {
  /** As the file calls it, and as messages do. */
  readonly rows: { readonly name: string; readonly label: string };
  /** Whether each row is one token, a list of floats, instead of a list of them. */
  readonly isSingle: boolean;
  readonly hasNames: boolean;
}

/** @throws INVALID_FILE naming the columns */
export function findParquetColumns({ children }: SchemaTree, path: string): ParquetColumns {
  const candidates = children.flatMap((child) => {
    const depth = countLists(child);
    return depth === undefined ? [] : [{ name: child.element.name, isSingle: depth === 1 }];
  });
  const isNamed = children.some(({ element }) => element.name === rowsColumn);
  const matches = isNamed ? candidates.filter(({ name }) => name === rowsColumn) : candidates;
  const ofTokens = matches.filter(({ isSingle }) => !isSingle);
  // A column of single lists beside sequences is something else.
  const [found, ...others] = ofTokens.length > 0 ? ofTokens : matches;
  if (found === undefined || others.length > 0) {
    const what = `one column ${rowsColumn}, or a single column, of lists of lists of floats or of lists of floats,`;
    const columns = children.map(({ element }) => `${quoteName(element.name)}: ${element.type ?? 'nested'}`);
    throw invalidFile(path, what, 'columns', columns);
  }
  const rows = { name: found.name, label: quoteName(found.name) };
  return { rows, isSingle: found.isSingle, hasNames: checkNames(children, path) };
}

/** How many lists are around the floats of a column, 1 or 2; undefined if it holds something else. */
function countLists(column: SchemaTree): 1 | 2 | undefined {
  const element = isRepeated(column) ? undefined : elementOf(column);
  if (element === undefined) return undefined;
  if (isFloat(element)) return 1;
  const inner = elementOf(element);
  return inner !== undefined && isFloat(inner) ? 2 : undefined;
}

/** What a list holds. Older writers leave out the group around it. */
function elementOf({ element, children }: SchemaTree): SchemaTree | undefined {
  const [repeated, ...others] = children;
  if (element.converted_type !== 'LIST' || repeated === undefined || others.length > 0) return undefined;
  if (!isRepeated(repeated) || repeated.children.length > 1) return undefined;
  const [inner = repeated] = repeated.children;
  return inner !== repeated && isRepeated(inner) ? undefined : inner;
}

function isRepeated({ element }: SchemaTree): boolean {
  return element.repetition_type === 'REPEATED';
}

function isFloat({ element, children }: SchemaTree): boolean {
  if (children.length > 0) return false;
  const isHalf = element.type === 'FIXED_LEN_BYTE_ARRAY' && element.logical_type?.type === 'FLOAT16';
  return element.type === 'FLOAT' || element.type === 'DOUBLE' || isHalf;
}

const integerTypes: ReadonlySet<string> = new Set(['INTEGER', 'STRING']);
const convertedTypes: ReadonlySet<string> = new Set(
  ['INT', 'UINT'].flatMap((kind) => [8, 16, 32, 64].map((bits) => `${kind}_${bits}`)),
);

/** Whether there is a column of names. */
function checkNames(columns: readonly SchemaTree[], path: string): boolean {
  const column = columns.find(({ element }) => element.name === namesColumn);
  if (column === undefined) return false;
  const {
    type,
    repetition_type: repetition,
    converted_type: converted,
    logical_type: logical,
  } = column.element;
  const isPlain = logical === undefined || integerTypes.has(logical.type);
  const isText = type === 'BYTE_ARRAY' && (converted === 'UTF8' || converted === undefined) && isPlain;
  const isInteger = type === 'INT32' || type === 'INT64';
  const isWhole = isInteger && (converted === undefined || convertedTypes.has(converted)) && isPlain;
  if ((isText || isWhole) && repetition !== 'REPEATED' && column.children.length === 0) return true;
  throw invalidFile(path, 'texts or integers', namesColumn, converted ?? type ?? 'nested');
}
