// Damage of flatbuffers where they hurt: at the tables, their vtables and the lengths of vectors.
// Format: https://flatbuffers.dev/internals/
import type { Draw } from '../draw.js';

interface Table {
  readonly at: number;
  readonly vtable: number;
  readonly vtableBytes: number;
}

/** What looks like a table wherever it lies: an offset to a vtable whose two sizes make sense. */
function findTables(bytes: Buffer): Table[] {
  const tables: Table[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const vtable = at - bytes.readInt32LE(at);
    if (vtable === at || vtable < 0 || vtable + 4 > bytes.length) continue;
    const vtableBytes = bytes.readUInt16LE(vtable);
    const tableBytes = bytes.readUInt16LE(vtable + 2);
    const isOne = vtableBytes >= 4 && vtableBytes <= 64 && vtableBytes % 2 === 0 && tableBytes >= 4;
    if (isOne && tableBytes <= 256 && vtable + vtableBytes <= bytes.length)
      tables.push({ at, vtable, vtableBytes });
  }
  return tables;
}

export function damageFlatbuffer(bytes: Uint8Array, draw: Draw): Buffer {
  const copy = Buffer.from(bytes);
  const tables = findTables(copy);
  if (tables.length === 0) return copy;
  const { at, vtable, vtableBytes } = draw.pick(tables);
  const entry = vtable + 2 * draw.below(vtableBytes / 2);
  const field = at + (copy.readUInt16LE(entry) % 256);
  switch (draw.below(5)) {
    case 0: // the size of a vtable or a table, odd ones too
      copy.writeUInt16LE((copy.readUInt16LE(entry) + draw.pick([-2, -1, 1, 2, 4])) & 0xffff, entry);
      break;
    case 1: // a field that isn't there, or lies elsewhere
      copy.writeUInt16LE(draw.pick([0, 2, 3, 4, 8, 0x7fff, 0x8000, 0xfffe, 0xffff]), entry);
      break;
    case 2: // another table's vtable
      copy.writeInt32LE(at - draw.pick(tables).vtable, at);
      break;
    case 3: // an offset, a length or a number behind a field
      if (field + 4 <= copy.length)
        copy.writeUInt32LE(draw.pick([0, 1, 4, 0x7fffffff, 0x80000000, 0xffffffff]), field);
      break;
    default: // the length of what the field leads to
      damageTarget(copy, field, draw);
  }
  return copy;
}

function damageTarget(bytes: Buffer, field: number, draw: Draw): void {
  if (field + 4 > bytes.length) return;
  const target = field + bytes.readUInt32LE(field);
  if (target + 4 > bytes.length) return;
  bytes.writeUInt32LE(
    draw.pick([0, 1, 2, bytes.readUInt32LE(target) + 1, 0x10000000, 0xffffffff]) >>> 0,
    target,
  );
}
