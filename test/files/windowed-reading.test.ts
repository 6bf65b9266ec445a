// Small reads through one window: the same bytes as without it, in fewer reads of the file.
import test from 'ava';
import { readFully, type Reading } from '../../src/files/positional-io.js';
import { readFromMemory, readThroughWindow } from '../../src/files/windowed-reading.js';

const content = Uint8Array.from({ length: 200_000 }, (_, n) => (n * 7) % 251);

/** The content as a file, and the lengths that were asked of it. */
function countedFile(): { readonly file: Reading; readonly asked: readonly number[] } {
  const memory = readFromMemory(content);
  const asked: number[] = [];
  const file: Reading = {
    read: (bytes, offset, length, position) => {
      asked.push(length);
      return memory.read(bytes, offset, length, position);
    },
  };
  return { file, asked };
}

async function readPart(file: Reading, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await readFully(file, bytes, { path: 'a', position });
  return bytes;
}

test('Small reads near each other are one read of the file', async (t) => {
  const { file, asked } = countedFile();
  const window = readThroughWindow(file);
  for (const position of [1000, 1004, 60_000, 5000, 66_000])
    t.deepEqual(await readPart(window, position, 500), content.slice(position, position + 500));
  t.deepEqual(asked, [65_536]);
  t.deepEqual(await readPart(window, 999, 500), content.slice(999, 1499), 'before the window');
  t.is(asked.length, 2);
});

test('Reads as long as the window go past it, and leave it as it is', async (t) => {
  const { file, asked } = countedFile();
  const window = readThroughWindow(file);
  await readPart(window, 0, 10);
  t.deepEqual(await readPart(window, 100, 100_000), content.slice(100, 100_100));
  await readPart(window, 20, 10);
  t.deepEqual(asked, [65_536, 100_000]);
});

test('Near the end a window holds what is left, and beyond it nothing', async (t) => {
  const window = readThroughWindow(countedFile().file);
  const bytes = new Uint8Array(100);
  t.like(await window.read(bytes, 0, 100, content.length - 30), { bytesRead: 30 });
  t.deepEqual(bytes.slice(0, 30), content.slice(-30));
  t.like(await window.read(bytes, 0, 100, content.length + 5), { bytesRead: 0 });
});

test('Reads at the same time do not disturb each other', async (t) => {
  const window = readThroughWindow(countedFile().file);
  const positions = [0, 150_000, 70_000, 100_000];
  const parts = await Promise.all(positions.map((position) => readPart(window, position, 300)));
  t.deepEqual(
    parts,
    positions.map((position) => content.slice(position, position + 300)),
  );
});
