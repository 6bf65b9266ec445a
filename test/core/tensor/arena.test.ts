// The arena and its free list: what is given back is found again, and limits are kept.
import test from 'ava';
import fc from 'fast-check';
import { HeadpoolError } from '../../../src/core/errors.js';
import { createArena, createCountingArena } from '../../../src/core/tensor/arena.js';
import { FreeList } from '../../../src/core/tensor/free-list.js';
import { RegionViews, type Region } from '../../../src/core/tensor/region.js';

test('ranges never overlap, are aligned, and grow together again when given back', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ length: fc.integer({ min: 0, max: 300 }), gives: fc.boolean(), which: fc.nat() })),
      (steps) => {
        const list = new FreeList(64);
        list.give(1024, 64 * 40);
        const taken: { start: number; end: number; length: number }[] = [];
        for (const { length, gives, which } of steps) {
          if (gives && taken.length > 0) {
            const [range] = taken.splice(which % taken.length, 1);
            list.give(range!.start, range!.length);
          } else {
            const start = list.take(length);
            if (start === undefined) continue;
            const end = start + list.roundUp(length);
            t.is(start % 64, 0);
            t.true(start >= 1024 && end <= 1024 + 64 * 40);
            t.true(taken.every((other) => end <= other.start || start >= other.end));
            taken.push({ start, end, length });
          }
        }
        for (const { start, length } of taken) list.give(start, length);
        // Everything is one range again.
        t.is(list.take(64 * 40), 1024);
      },
    ),
    { seed: 3, numRuns: 200 },
  );
});

for (const kind of ['plain', 'webassembly'] as const) {
  test(`a ${kind} arena gives regions that hold their numbers, and counts them`, (t) => {
    const arena = createArena(kind, 2 ** 30);
    const views = new RegionViews(arena.memory);
    const regions: Region[] = [1, 1000, 5_000_000, 3].map((length) => arena.allocate(length));
    regions.forEach((region, n) => views.floats(region).fill(n + 1));
    regions.forEach((region, n) => {
      const floats = views.floats(region);
      t.is(floats.byteOffset % 64, 0);
      t.is(floats[0], n + 1);
      t.is(floats.at(-1), n + 1);
      t.is(views.isInArena(floats), kind === 'webassembly');
    });
    t.is(arena.bytesInUse, 4 * (1 + 1000 + 5_000_000 + 3));
    for (const region of regions) arena.free(region);
    t.is(arena.bytesInUse, 0);
  });

  test(`a ${kind} arena refuses what exceeds its limit and stays usable`, (t) => {
    const arena = createArena(kind, 1000);
    const region = arena.allocate(200);
    const error = t.throws(() => arena.allocate(100), { instanceOf: HeadpoolError });
    t.is(error.code, 'MEMORY_LIMIT');
    t.throws(() => {
      arena.refuseOver(300);
    });
    arena.free(region);
    t.is(arena.allocate(250).byteLength, 1000);
  });
}

test('views of a grown memory still know the arena', (t) => {
  const arena = createArena('webassembly', 2 ** 30);
  const views = new RegionViews(arena.memory);
  const before = views.floats(arena.allocate(10));
  const after = views.floats(arena.allocate(20_000_000));
  t.true(views.isInArena(before));
  t.true(views.isInArena(after));
  t.false(views.isInArena(new Float32Array(new SharedArrayBuffer(4))));
});

test('the counting arena counts without owning memory', (t) => {
  const arena = createCountingArena();
  const region = arena.allocate(10 ** 12);
  t.is(arena.bytesInUse, 4 * 10 ** 12);
  arena.free(region);
  t.is(arena.bytesInUse, 0);
});
