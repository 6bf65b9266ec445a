// A column of one row group, decoded page by page, in steps.
import { runSteps } from '../../../core/breather.js';
import { invalidFile } from '../../../core/errors.js';
import { elementsOfStep, type Steps } from '../../../core/steps.js';
import { levelsOf, readLevels, type ColumnLevels, type Levels } from './levels.js';
import type { RowGroup, SchemaTree } from './load-parquet.js';
import { pagesOf, readColumnBytes, type ColumnBytes, type PageSource } from './pages.js';
import { TokenLists } from './token-lists.js';
import {
  floatReader,
  nameReader,
  type NameValue,
  type ValueList,
  type ValueReader,
} from './value-readers.js';
import { readPlain, readValues } from './values.js';

export interface ColumnSource extends PageSource {
  readonly schema: SchemaTree;
  readonly group: RowGroup;
  /** The top of the column. */
  readonly column: string;
}

/** The rows of a column of lists. @throws INVALID_FILE, FILE_FAILED; Error for pages that are malformed */
export async function readTokens(source: ColumnSource, modelDim: number): Promise<TokenLists> {
  const { bytes, element, levels } = await openColumn(source);
  const lists = new TokenLists(levels, modelDim, bytes.values);
  const add = (own: Levels, values: ValueList<number>): Steps<void> => lists.add(own, values);
  await runSteps(readColumn(source, { bytes, levels, reader: floatReader(element) }, add));
  return lists.finish();
}

/** The names in a column, null where there is none. @throws as `readTokens` does */
export async function readNames(source: ColumnSource): Promise<readonly (NameValue | null)[]> {
  const { bytes, element, levels } = await openColumn(source);
  const names: (NameValue | null)[] = [];
  await runSteps(
    readColumn(source, { bytes, levels, reader: nameReader(element) }, function* ({ definitions }, values) {
      let used = 0;
      for (const level of definitions) {
        const name = level === levels.whole ? values[used++]! : null;
        if (names.push(name) % elementsOfStep === 0) yield;
      }
    }),
  );
  return names;
}

async function openColumn(source: ColumnSource) {
  const { schema, group, column, path, label } = source;
  const chunks = group.columns.filter((chunk) => chunk.meta_data?.path_in_schema[0] === column);
  if (chunks.length !== 1) throw invalidFile(path, `one column ${column}`, `${label}.columns`, chunks.length);
  const bytes = await readColumnBytes(source, chunks[0]!);
  const trees: SchemaTree[] = [];
  let tree = schema.children.find(({ element }) => element.name === column);
  for (; tree !== undefined; tree = tree.children[0]) trees.push(tree);
  return { bytes, element: trees.at(-1)!.element, levels: levelsOf(trees) };
}

interface OpenColumn<V> {
  readonly bytes: ColumnBytes;
  readonly levels: ColumnLevels;
  readonly reader: ValueReader<V>;
}

/** @param add takes the levels of a page and the values that are there */
function* readColumn<V>(
  { parquet }: PageSource,
  { bytes, levels: ofColumn, reader }: OpenColumn<V>,
  add: (levels: Levels, values: ValueList<V>) => Steps<void>,
): Steps<void> {
  let dictionary: ValueList<V> | undefined;
  for (const page of pagesOf(parquet, bytes)) {
    if (page.isDictionary) {
      dictionary = yield* readPlain(reader, page.takeBody(), page.count);
    } else {
      const { body, ...levels } = yield* readLevels(page, ofColumn);
      const count = yield* countWhole(levels, ofColumn);
      yield* add(levels, yield* readValues(reader, { encoding: page.encoding, body, count }, dictionary));
    }
    yield;
  }
}

/** Values that are there. */
function* countWhole({ definitions }: Levels, { whole }: ColumnLevels): Steps<number> {
  let count = 0;
  for (let n = 0; n < definitions.length; n++) {
    if (definitions[n] === whole) count++;
    if (n % elementsOfStep === 0) yield;
  }
  return count;
}
