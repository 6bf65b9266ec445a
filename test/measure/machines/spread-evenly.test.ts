// Samples that are spread over all of a list.
import test from 'ava';
import { spreadEvenly } from '../../../src/measure/machines/spread-evenly.js';

function take(length: number, count: number): number[] {
  const row = spreadEvenly([...Array(length).keys()]);
  return Array.from({ length: count }, () => row.next().value);
}

test('all of a list comes before anything comes again', (t) => {
  for (const length of [1, 2, 3, 4, 6, 8, 32, 64, 100, 257]) {
    t.is(new Set(take(length, length)).size, length, String(length));
    t.deepEqual(take(length, 2 * length).slice(length), take(length, length), String(length));
  }
});

test('every eight of a long list are in all quarters of it', (t) => {
  const row = take(1000, 96);
  for (let first = 0; first < row.length; first += 8) {
    const quarters = row.slice(first, first + 8).map((place) => Math.floor(place / 250));
    t.is(new Set(quarters).size, 4, String(first));
  }
});
