// Zip archives put together by hand, right and wrong ones.
import { crc32, deflateRawSync } from 'node:zlib';

export interface MemberParts {
  readonly name: string;
  readonly content: Uint8Array;
  readonly isDeflated?: boolean;
  /** What the archive holds instead of the content, stored or deflated. */
  readonly held?: Uint8Array;
  /** What the directory says instead of the truth. */
  readonly directory?: Partial<EntryFields>;
  /** What the member's own header says instead of the truth. */
  readonly header?: Partial<EntryFields>;
  /** Sizes and offset stand in the directory's extra field for 64 bits. */
  readonly isZip64?: boolean;
  /** A descriptor of zeros after the bytes, as from writers that can't go back. */
  readonly hasDescriptor?: boolean;
}

interface EntryFields {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly heldLength: number;
  readonly length: number;
  readonly offset: number;
}

interface EndParts {
  /** How many members the end of the archive counts; default as many as there are. */
  readonly count?: number;
  readonly directoryOffset?: number;
  readonly comment?: string;
  /** With the 64-bit record of the end, which may point elsewhere. */
  readonly zip64?: { readonly recordOffset?: bigint; readonly directoryOffset?: bigint };
}

export function zipFile(members: readonly MemberParts[], end: EndParts = {}): Buffer {
  const parts: Buffer[] = [];
  const entries: Buffer[] = [];
  let offset = 0;
  for (const member of members) {
    const fields = truthOf(member, offset);
    const descriptor = Buffer.alloc(member.hasDescriptor === true ? 16 : 0);
    const part = Buffer.concat([
      formatHeader({ ...fields, ...member.header }),
      heldBytes(member),
      descriptor,
    ]);
    parts.push(part);
    entries.push(formatEntry({ ...fields, ...member.directory }, member.isZip64 === true));
    offset += part.length;
  }
  const directory = Buffer.concat(entries);
  return Buffer.concat([...parts, directory, formatEnd(end, members.length, offset, directory.length)]);
}

function truthOf(member: MemberParts, offset: number): EntryFields {
  return {
    name: member.name,
    flags: 0x800,
    method: member.isDeflated === true ? 8 : 0,
    crc: crc32(member.content),
    heldLength: heldBytes(member).length,
    length: member.content.length,
    offset,
  };
}

function heldBytes({ content, isDeflated, held }: MemberParts): Uint8Array {
  return held ?? (isDeflated === true ? deflateRawSync(content) : content);
}

function formatHeader({ name, flags, method, crc, heldLength, length }: EntryFields): Buffer {
  const bytes = Buffer.alloc(30);
  const text = Buffer.from(name);
  bytes.writeUInt32LE(0x04034b50, 0);
  bytes.writeUInt16LE(45, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt16LE(method, 8);
  bytes.writeUInt32LE(crc, 14);
  bytes.writeUInt32LE(heldLength, 18);
  bytes.writeUInt32LE(length, 22);
  bytes.writeUInt16LE(text.length, 26);
  return Buffer.concat([bytes, text]);
}

function formatEntry(fields: EntryFields, isZip64: boolean): Buffer {
  const { name, flags, method, crc, heldLength, length, offset } = fields;
  const bytes = Buffer.alloc(46);
  const text = Buffer.from(name);
  const extra = Buffer.alloc(isZip64 ? 28 : 0);
  bytes.writeUInt32LE(0x02014b50, 0);
  bytes.writeUInt16LE(45, 4);
  bytes.writeUInt16LE(45, 6);
  bytes.writeUInt16LE(flags, 8);
  bytes.writeUInt16LE(method, 10);
  bytes.writeUInt32LE(crc, 16);
  bytes.writeUInt32LE(isZip64 ? 0xffffffff : heldLength, 20);
  bytes.writeUInt32LE(isZip64 ? 0xffffffff : length, 24);
  bytes.writeUInt16LE(text.length, 28);
  bytes.writeUInt16LE(extra.length, 30);
  bytes.writeUInt32LE(isZip64 ? 0xffffffff : offset, 42);
  if (isZip64) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(24, 2);
    extra.writeBigUInt64LE(BigInt(length), 4);
    extra.writeBigUInt64LE(BigInt(heldLength), 12);
    extra.writeBigUInt64LE(BigInt(offset), 20);
  }
  return Buffer.concat([bytes, text, extra]);
}

function formatEnd(end: EndParts, members: number, offset: number, byteLength: number): Buffer {
  const { count = members, directoryOffset = offset, comment = '', zip64 } = end;
  const bytes = Buffer.alloc(22);
  bytes.writeUInt32LE(0x06054b50, 0);
  bytes.writeUInt16LE(zip64 ? 0xffff : count, 8);
  bytes.writeUInt16LE(zip64 ? 0xffff : count, 10);
  bytes.writeUInt32LE(byteLength, 12);
  bytes.writeUInt32LE(zip64 ? 0xffffffff : directoryOffset, 16);
  bytes.writeUInt16LE(comment.length, 20);
  const record = Buffer.alloc(zip64 ? 76 : 0);
  if (zip64) {
    record.writeUInt32LE(0x06064b50, 0);
    record.writeBigUInt64LE(44n, 4);
    record.writeBigUInt64LE(BigInt(count), 24);
    record.writeBigUInt64LE(BigInt(count), 32);
    record.writeBigUInt64LE(BigInt(byteLength), 40);
    record.writeBigUInt64LE(zip64.directoryOffset ?? BigInt(directoryOffset), 48);
    record.writeUInt32LE(0x07064b50, 56);
    record.writeBigUInt64LE(zip64.recordOffset ?? BigInt(offset + byteLength), 64);
    record.writeUInt32LE(1, 72);
  }
  return Buffer.concat([record, bytes, Buffer.from(comment, 'latin1')]);
}
