// The only file that imports the packages that read and write Parquet: optional peers, loaded when such a file is first
// asked for.
import type * as hyparquet from 'hyparquet';
import type { Compressors } from 'hyparquet-compressors';
import type * as writing from 'hyparquet-writer';
import type { parquetHeader } from 'hyparquet/src/column.js';
import { HeadpoolError } from '../../../core/errors.js';
import { finish } from '../../../core/steps.js';
import { decodeZstdFrame } from '../../compression/zstd-frame.js';

export type { FileMetaData, RowGroup, SchemaElement as ReadElement, SchemaTree } from 'hyparquet';
export type { SchemaElement } from 'hyparquet-writer';

export interface ParquetReading {
  readonly parquetMetadata: typeof hyparquet.parquetMetadata;
  readonly parquetSchema: typeof hyparquet.parquetSchema;
  readonly parquetHeader: typeof parquetHeader;
  readonly compressors: Compressors;
}

export type ParquetWriting = Pick<typeof writing, 'ByteWriter' | 'ParquetWriter'>;

/** @throws INVALID_OPTION saying what to install, if a package can't be loaded */
export function loadReading(importPackages = importReading): Promise<ParquetReading> {
  return loadPackages('read', ['hyparquet', 'hyparquet-compressors'], importPackages);
}

/** @throws INVALID_OPTION saying what to install, if the package can't be loaded */
export function loadWriting(importPackage = importWriting): Promise<ParquetWriting> {
  return loadPackages('written', ['hyparquet-writer'], importPackage);
}

async function loadPackages<T>(
  action: string,
  names: readonly string[],
  importPackages: () => Promise<T>,
): Promise<T> {
  try {
    return await importPackages();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HeadpoolError(
      'INVALID_OPTION',
      `Parquet files are ${action} by the packages ${names.join(' and ')}, which could not be loaded; npm install ${names.join(' ')} (${reason})`,
      { cause },
    );
  }
}

async function importReading(): Promise<ParquetReading> {
  const [{ parquetMetadata, parquetSchema }, column, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet/src/column.js'),
    import('hyparquet-compressors'),
  ]);
  const { parquetHeader: readHeader } = column;
  // Ours ends at the length that was announced.
  const ZSTD = (input: Uint8Array, length: number): Uint8Array => {
    const output = new Uint8Array(length);
    finish(decodeZstdFrame(input, output));
    return output;
  };
  return {
    parquetMetadata,
    parquetSchema,
    parquetHeader: readHeader,
    compressors: { ...compressors, ZSTD },
  };
}

function importWriting(): Promise<ParquetWriting> {
  return import('hyparquet-writer');
}
