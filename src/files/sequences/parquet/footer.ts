// The footer of a Parquet file. The package reads it, of many row groups some at a time: writers of streams make one of
// each sequence.
import type { Steps } from '../../../core/steps.js';
import { locateList, type ThriftList } from './check-thrift.js';
import type { FileMetaData, ParquetReading } from './load-parquet.js';

const rowGroupsField = 4;
/** Some hundred microseconds' worth, where each has two columns. */
const groupsOfStep = 32;

/** @param footer up to the end of the file. @throws Error */
export function* readFooter(
  { parquetMetadata }: Pick<ParquetReading, 'parquetMetadata'>,
  footer: Uint8Array,
): Steps<FileMetaData> {
  const read = (bytes: Uint8Array): FileMetaData => parquetMetadata(bytes, { geoparquet: false });
  const groups = yield* locateList(footer, rowGroupsField);
  const count = groups === undefined ? 0 : groups.places.length - 1;
  if (groups === undefined || count <= groupsOfStep) return read(footer);
  const metadata = read(withGroups(footer, groups, { first: 0, end: groupsOfStep }));
  for (let first = groupsOfStep; first < count; first += groupsOfStep) {
    const end = Math.min(first + groupsOfStep, count);
    const part = read(withGroups(footer, groups, { first, end }));
    for (const group of part.row_groups) metadata.row_groups.push(group);
    yield;
  }
  return metadata;
}

const trailerBytes = 8;
const typeOfStructs = 12;

/** A footer of some of the row groups; what follows them all stands behind the first ones only. */
function withGroups(
  footer: Uint8Array,
  { begin, places }: ThriftList,
  { first, end }: { first: number; end: number },
): Uint8Array {
  const after = first === 0 ? footer.subarray(places.at(-1), -trailerBytes) : Uint8Array.of(0);
  const trailer = Buffer.from(footer.subarray(-trailerBytes));
  const parts = [
    footer.subarray(0, begin),
    // Fewer than 128, whose number is a byte.
    Uint8Array.of(0xf0 + typeOfStructs, end - first),
    footer.subarray(places[first], places[end]),
    after,
  ];
  trailer.writeUInt32LE(parts.reduce((sum, { length }) => sum + length, 0));
  return Buffer.concat([...parts, trailer]);
}
