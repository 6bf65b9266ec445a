// Writes sequences as a Parquet file. Each sequence is a row group of its own, neither compressed nor by dictionaries, so
// that no byte depends on how the calls are cut and no size on the numbers.
import { expected, HeadpoolError, invalidFile } from '../../../core/errors.js';
import { decodeF16, encodeF16 } from '../../../core/tensor/dtype.js';
import type { OutputOutline, SequenceEncoder, SequenceName, Sequences } from '../sequences.js';
import { mostValues } from './pages.js';
import { namesColumn, rowsColumn } from './columns.js';
import type { ParquetWriting, SchemaElement } from './load-parquet.js';

/** @throws INVALID_OPTION for bf16, which Parquet does not have */
export function createParquetEncoder(parquet: ParquetWriting, outline: OutputOutline): SequenceEncoder {
  const { path, dtype } = outline;
  if (dtype === 'bf16') {
    const message = `${path}: expected \`f32\` or \`f16\`, which Parquet has, got \`bf16\``;
    throw new HeadpoolError('INVALID_OPTION', message);
  }
  return new ParquetEncoder(parquet, outline, dtype);
}

class ParquetEncoder implements SequenceEncoder {
  readonly prologue: Uint8Array;
  readonly #outline: OutputOutline;
  readonly #dtype: 'f32' | 'f16';
  readonly #bytes: InstanceType<ParquetWriting['ByteWriter']>;
  readonly #writer: InstanceType<ParquetWriting['ParquetWriter']>;
  /** Sequences that were assumed, by their tokens and the bytes of their names: others of the kind differ in place alone. */
  readonly #known = new Map<string, AssumedGroup>();

  constructor(parquet: ParquetWriting, outline: OutputOutline, dtype: 'f32' | 'f16') {
    this.#outline = outline;
    this.#dtype = dtype;
    this.#bytes = new parquet.ByteWriter();
    this.#writer = new parquet.ParquetWriter({
      writer: this.#bytes,
      schema: createSchema(dtype, outline.isPooled),
      codec: 'UNCOMPRESSED',
      statistics: false,
      kvMetadata: [...outline.metadata].map(([key, value]) => ({ key, value })),
      createdBy: 'headpool',
    });
    this.prologue = this.#take();
  }

  encode(sequences: Sequences, rows: Float32Array): readonly ArrayBufferView[] {
    const { modelDim } = this.#outline;
    this.#check(sequences);
    let at = 0;
    const pieces = sequences.lengths.map((tokens, index) => {
      const numbers = rows.subarray(at, at + tokens * modelDim);
      at += numbers.length;
      return this.#write(sequences.names?.[index] ?? null, numbers);
    });
    return pieces;
  }

  assume(sequences: Sequences, byteLength: number): void {
    this.#check(sequences);
    const wanted = sequences.lengths.reduce(
      (sum, tokens, index) => sum + this.#assumeOne(tokens, sequences.names?.[index] ?? null),
      0,
    );
    if (wanted === byteLength) return;
    const what = `${wanted} bytes of ${sequences.lengths.length} sequences`;
    throw invalidFile(this.#outline.path, what, 'data', byteLength);
  }

  finish(): { readonly epilogue: Uint8Array } {
    void this.#writer.finish();
    return { epilogue: this.#take() };
  }

  /** The bytes of a sequence that is there; the footer needs to know where everything in it is. */
  #assumeOne(tokens: number, name: SequenceName): number {
    const kind = `${tokens} ${name === null ? 'null' : Buffer.byteLength(String(name))}`;
    const known = this.#known.get(kind);
    if (known === undefined) {
      const { offset } = this.#bytes;
      const { length } = this.#write(name, new Float32Array(tokens * this.#outline.modelDim));
      this.#known.set(kind, { offset, byteLength: length, group: this.#writer.row_groups.at(-1)! });
      return length;
    }
    const { offset, byteLength, group } = known;
    this.#writer.row_groups.push(moveGroup(group, BigInt(this.#bytes.offset - offset)));
    this.#writer.num_rows += group.num_rows;
    this.#bytes.offset += byteLength;
    return byteLength;
  }

  #check({ lengths }: Sequences): void {
    const { isPooled, modelDim } = this.#outline;
    const most = Math.floor(mostValues / modelDim);
    for (const [index, tokens] of lengths.entries()) {
      if (isPooled ? tokens === 1 : tokens <= most) continue;
      const what = isPooled ? '1 token in Parquet' : `at most ${most} tokens in Parquet`;
      throw expected('INVALID_OPTION', what, `lengths[${index}]`, tokens);
    }
  }

  #write(name: SequenceName, numbers: Float32Array): Uint8Array {
    const { modelDim, isPooled } = this.#outline;
    const rounded = this.#dtype === 'f16' ? numbers.map((number) => decodeF16(encodeF16(number))) : numbers;
    const tokens = Array.from({ length: numbers.length / modelDim }, (_, token) =>
      Array.from(rounded.subarray(token * modelDim, (token + 1) * modelDim)),
    );
    const layout = { encoding: 'PLAIN', offsetIndex: false } as const;
    void this.#writer.write({
      columnData: [
        { ...layout, name: namesColumn, data: [name === null ? null : String(name)] },
        { ...layout, name: rowsColumn, data: isPooled ? tokens : [tokens] },
      ],
      rowGroupSize: 1,
    });
    return this.#take();
  }

  /** What was written since; the writer goes on counting. */
  #take(): Uint8Array {
    const taken = this.#bytes.getBytes().slice();
    this.#bytes.index = 0;
    return taken;
  }
}

type RowGroup = InstanceType<ParquetWriting['ParquetWriter']>['row_groups'][number];

interface AssumedGroup {
  readonly offset: number;
  readonly byteLength: number;
  readonly group: RowGroup;
}

/** The same row group, so many bytes further on in the file. */
function moveGroup(group: RowGroup, bytes: bigint): RowGroup {
  const columns = group.columns.map(({ meta_data: data, ...column }) => ({
    ...column,
    file_offset: column.file_offset + bytes,
    ...(data && { meta_data: { ...data, data_page_offset: data.data_page_offset + bytes } }),
  }));
  return { ...group, columns };
}

/** `id` as text, and `x` as a list of lists of floats, or a list of floats if pooled. Only names may be null. */
function createSchema(dtype: 'f32' | 'f16', isPooled: boolean): SchemaElement[] {
  const number: SchemaElement =
    dtype === 'f32'
      ? { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' }
      : {
          name: 'element',
          type: 'FIXED_LEN_BYTE_ARRAY',
          type_length: 2,
          logical_type: { type: 'FLOAT16' },
          repetition_type: 'REQUIRED',
        };
  const listOf = (name: string, element: readonly SchemaElement[]): SchemaElement[] => [
    {
      name,
      converted_type: 'LIST',
      logical_type: { type: 'LIST' },
      num_children: 1,
      repetition_type: 'REQUIRED',
    },
    { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
    ...element,
  ];
  const rows = isPooled ? listOf(rowsColumn, [number]) : listOf(rowsColumn, listOf('element', [number]));
  return [
    { name: 'schema', num_children: 2 },
    {
      name: namesColumn,
      type: 'BYTE_ARRAY',
      converted_type: 'UTF8',
      logical_type: { type: 'STRING' },
      repetition_type: 'OPTIONAL',
    },
    ...rows,
  ];
}
