// Walks the metadata of an Arrow message or footer before the package decodes it: afterwards no count in it is larger
// than the bytes after it. Slots and numbers of types are those of Arrow's Message.fbs, Schema.fbs and File.fbs.
import { FlatTable } from './flatbuffer.js';

/** What is known of a message without decoding its header. */
export interface MessageFacts {
  /** 0-based: 3 is Arrow's V4, which came with version 0.8. */
  readonly version: number;
  readonly headerType: number;
  readonly bodyLength: bigint;
  readonly isCompressed: boolean;
}

export const headerTypes = { schema: 1, dictionary: 2, records: 3 } as const;

const timestampType = 10;
const unionType = 14;
/** List, FixedSizeList, Map and LargeList; the package lets them pass without the type of their items. */
const listTypes: ReadonlySet<number> = new Set([12, 16, 17, 21]);
const deepestField = 64;
const blockBytes = 24;

/** @throws Error if an offset or count leads out of `bytes`, or the numbers are big-endian */
export function checkMessage(bytes: Uint8Array): MessageFacts {
  const message = FlatTable.root(bytes);
  const headerType = message.uint8(1);
  const header = message.table(2);
  checkMetadata(message, 4);
  if (header === undefined) throw new Error('there is no header');
  if (headerType === headerTypes.schema) checkSchema(header);
  const records = headerType === headerTypes.dictionary ? header.table(1) : header;
  if (records === undefined) throw new Error('the dictionary has no data');
  const hasRecords = headerType === headerTypes.dictionary || headerType === headerTypes.records;
  const isCompressed = hasRecords && checkRecords(records);
  return { version: message.int16(0), headerType, bodyLength: message.int64(3), isCompressed };
}

/** @throws Error as `checkMessage` does */
export function checkFooter(bytes: Uint8Array): void {
  const footer = FlatTable.root(bytes);
  const schema = footer.table(1);
  if (schema === undefined) throw new Error('there is no schema');
  checkSchema(schema);
  footer.vector(2, blockBytes);
  footer.vector(3, blockBytes);
  checkMetadata(footer, 4);
}

function checkSchema(schema: FlatTable): void {
  if (schema.int16(0) !== 0) throw new Error('its numbers are big-endian');
  for (const field of schema.tables(1)) checkField(field, 0);
  checkMetadata(schema, 2);
  schema.vector(3, 8);
}

function checkField(field: FlatTable, depth: number): void {
  if (depth > deepestField) throw new Error(`its types are nested more than ${deepestField} deep`);
  field.vector(0, 1);
  const typeNumber = field.uint8(2);
  const type = field.table(3);
  if (typeNumber === timestampType) type?.vector(1, 1);
  if (typeNumber === unionType) type?.vector(1, 4);
  field.table(4)?.table(1);
  const children = field.tables(5);
  if (listTypes.has(typeNumber) && children.length !== 1) {
    throw new Error(`it has a list of ${children.length} types`);
  }
  for (const child of children) checkField(child, depth + 1);
  checkMetadata(field, 6);
}

/** Says whether the body is compressed. */
function checkRecords(records: FlatTable): boolean {
  records.vector(1, 16);
  records.vector(2, 16);
  records.vector(4, 8);
  return records.table(3) !== undefined;
}

/** Pairs of texts. */
function checkMetadata(table: FlatTable, slot: number): void {
  for (const pair of table.tables(slot)) {
    pair.vector(0, 1);
    pair.vector(1, 1);
  }
}
