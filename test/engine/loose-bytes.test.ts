// What the message of a job keeps alive in a worker, as its works tell.
import test from 'ava';
import type { ReadWork, Work } from '../../src/core/protocol/work.js';
import { createArena } from '../../src/core/tensor/arena.js';
import type { Region } from '../../src/core/tensor/region.js';
import { countLooseBytes } from '../../src/engine/loose-bytes.js';

const read = (region: Region): ReadWork => ({ kind: 'read', region });

test('each buffer counts once, by the largest region that a work looks at', (t) => {
  const [one, two] = [new SharedArrayBuffer(1000), new SharedArrayBuffer(1000)];
  const works: Work[] = [
    read({ buffer: one, byteOffset: 0, byteLength: 400 }),
    read({ buffer: one, byteOffset: 0, byteLength: 600 }),
    read({ buffer: two, byteOffset: 8, byteLength: 100 }),
    { kind: 'peak' },
  ];
  t.is(countLooseBytes(works), 700);
});

for (const kind of ['plain', 'webassembly', 'device'] as const) {
  test(`what lies in an arena (${kind}) does not count, as it is used again`, (t) => {
    const arena = createArena(kind, 2 ** 30);
    t.is(countLooseBytes([read(arena.allocate(1000))]), 0);
  });
}
