// Rows of a table of faults that other files test: named with the title of the test, and checked that there is one.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { packageRoot } from './package-root.js';

/** @param folder what the files are named from, in test/ */
export function testElsewhere(
  rows: readonly (readonly [row: string, file: string, title: string])[],
  folder = '',
): void {
  for (const [row, file, title] of rows) {
    test(`${row}: tested in ${file}`, (t) => {
      const text = readFileSync(new URL(`test/${folder}${file}.test.ts`, packageRoot()), 'utf8');
      t.true(text.includes(title), `no test "${title}"`);
    });
  }
}
