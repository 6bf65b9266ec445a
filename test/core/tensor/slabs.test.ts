// Slabs of shared memory: regions never overlap, memory is used again, and what lies idle is bounded.
import test from 'ava';
import type { Region } from '../../../src/core/tensor/region.js';
import { Slabs } from '../../../src/core/tensor/slabs.js';

const mebibyte = 2 ** 20;

test('small regions share a slab and do not overlap', (t) => {
  const slabs = new Slabs(64);
  const regions = [1, 100, 64, 1000].map((length) => slabs.take(length));
  t.is(new Set(regions.map(({ buffer }) => buffer)).size, 1);
  regions.forEach(({ byteOffset }, n) => {
    t.is(byteOffset % 64, 0);
    const before = regions[n - 1];
    if (before !== undefined) t.true(byteOffset >= before.byteOffset + before.byteLength);
  });
});

test('a region longer than a slab gets one of its own, with room for a slightly longer one', (t) => {
  const slabs = new Slabs(64);
  const region = slabs.take(40 * mebibyte + 1);
  t.is(region.byteLength, 40 * mebibyte + 1);
  t.is(region.buffer!.byteLength, 64 * mebibyte);
});

test('a loop of takes and gives uses the same memory again', (t) => {
  const slabs = new Slabs(64);
  const buffers = new Set<SharedArrayBuffer>();
  for (let round = 0; round < 100; round++) {
    const regions = [3, 20, 5].map((mebibytes) => slabs.take(mebibytes * mebibyte));
    for (const region of regions) {
      buffers.add(region.buffer!);
      slabs.give(region);
    }
  }
  t.is(buffers.size, 2);
});

test('calls of lengths that differ use the same memory again', (t) => {
  const slabs = new Slabs(64);
  const buffers = new Set<SharedArrayBuffer>();
  for (let round = 0; round < 100; round++) {
    const regions = Array.from({ length: 6 }, (_, n) => slabs.take((50 + ((7 * round + n) % 13)) * mebibyte));
    for (const { buffer } of regions) buffers.add(buffer!);
    for (const region of regions) slabs.give(region);
  }
  t.is(buffers.size, 6);
});

test('what lies idle and was not used lately stays below 256 MiB', (t) => {
  const slabs = new Slabs(64);
  const regions: Region[] = [];
  for (let n = 0; n < 10; n++) regions.push(slabs.take(128 * mebibyte));
  for (const region of regions) slabs.give(region);
  t.is(slabs.byteLength, 1280 * mebibyte, 'the next call may want them again');
  for (let n = 0; n < 64; n++) slabs.give(slabs.take(mebibyte));
  t.is(slabs.byteLength, 256 * mebibyte);
  t.true(slabs.take(128 * mebibyte).buffer!.byteLength === 128 * mebibyte);
});
