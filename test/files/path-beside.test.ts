import test from 'ava';
import { pathBeside } from '../../src/files/path-beside.js';

test('A file beside another has its name between what is added', (t) => {
  t.is(pathBeside('out/y.npy', '.partial'), 'out/y.npy.partial');
  t.is(pathBeside('y.npy', '.1-2.tmp', '.'), '.y.npy.1-2.tmp');
});

for (const letter of ['n', 'ä', '語', '🦩']) {
  test(`Long names of ${letter} stay names that a file can have, each its own`, (t) => {
    const names = [0, 1, 2, 3].map((end) => {
      return letter.repeat(Math.floor(250 / Buffer.byteLength(letter))) + String(end);
    });
    const beside = names.map((name) => pathBeside(`out/${name}`, '.partial').slice('out/'.length));
    for (const name of beside) {
      t.true(Buffer.byteLength(name) <= 255, name);
      t.true(
        name.startsWith(letter.repeat(50)) && name.endsWith('.partial') && !name.includes('\uFFFD'),
        name,
      );
    }
    t.is(new Set(beside).size, names.length);
  });
}
