// What the tests of Parquet share: files written by the package that writes them, and schemas of nested lists.
import { parquetWriteBuffer, type ColumnSource, type SchemaElement } from 'hyparquet-writer';
import type { ExecutionContext } from 'ava';
import type { OutputOutline, SequenceStream, StreamSource } from '../../src/files/sequences/sequences.js';
import { parquetFormat } from '../../src/files/sequences/parquet-format.js';
import { writeScratch } from '../files/scratch.js';
import { width } from './arrow-tables.js';

type Repetition = NonNullable<SchemaElement['repetition_type']>;

export const floatTypes = {
  f32: { type: 'FLOAT' },
  f64: { type: 'DOUBLE' },
  f16: { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 2, logical_type: { type: 'FLOAT16' } },
} as const satisfies Record<string, Partial<SchemaElement>>;

/** Floats in `depth` lists. */
export function listColumn(
  name: string,
  depth: number,
  {
    floats = 'f32',
    repetition = 'OPTIONAL',
  }: { floats?: keyof typeof floatTypes; repetition?: Repetition } = {},
): SchemaElement[] {
  if (depth === 0) return [{ ...floatTypes[floats], name, repetition_type: repetition }];
  return [
    { name, converted_type: 'LIST', num_children: 1, repetition_type: repetition },
    { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
    ...listColumn('element', depth - 1, { floats, repetition }),
  ];
}

export interface TableSource {
  readonly columns: readonly (ColumnSource & { readonly elements: readonly SchemaElement[] })[];
  readonly rowGroupSize?: number;
  readonly codec?: 'UNCOMPRESSED' | 'SNAPPY';
  readonly kvMetadata?: { key: string; value: string }[];
}

export function writeTable({ columns, ...options }: TableSource): Uint8Array {
  const schema = [
    { name: 'root', num_children: columns.length },
    ...columns.flatMap(({ elements }) => elements),
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData: [...columns], schema, ...options }));
}

export const textColumn: SchemaElement = { name: 'id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' }; // prettier-ignore

export const openParquet = (path: string, source: Partial<StreamSource> = {}): Promise<SequenceStream> =>
  parquetFormat.openStream({ path, modelDim: width, ...source });

export const openParquetBytes = async (
  t: ExecutionContext,
  bytes: Uint8Array,
  source?: Partial<StreamSource>,
): Promise<SequenceStream> => openParquet(await writeScratch(t, 'a.parquet', bytes), source);

export const outlineOf = (rest: Partial<OutputOutline> = {}): OutputOutline => ({
  path: 'a.parquet',
  form: 'packed',
  modelDim: width,
  dtype: 'f32',
  isPooled: false,
  metadata: new Map(),
  ...rest,
});
