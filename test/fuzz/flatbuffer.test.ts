// Damaging a flatbuffer must not fail itself, whatever numbers stand in it.
import test from 'ava';
import { damageFlatbuffer } from './damage/flatbuffer.js';
import { createDraw } from './draw.js';

test('the largest number in a vtable becomes another one', (t) => {
  // A table at 8 whose vtable at 0 has two sizes, and a field that says 65535.
  const bytes = Buffer.alloc(16);
  [6, 8, 0xffff].forEach((value, index) => bytes.writeUInt16LE(value, 2 * index));
  bytes.writeInt32LE(8, 8);
  const seen = new Set<number>();
  for (let seed = 0; seed < 500; seed++) seen.add(damageFlatbuffer(bytes, createDraw(seed)).readUInt16LE(4));
  t.true(seen.has(0) && seen.has(0xfffe), [...seen].join(' '));
});
