// The line of progress: on terminals of every width the time that is left stays in sight.
import test from 'ava';
import { startMeasureProgress } from '../../src/commands/measure-progress.js';
import { fitLine, type ProgressParts } from '../../src/commands/progress-line.js';
import { startProgress } from '../../src/commands/progress.js';

/** What is written to a terminal of so many columns, or to a file. */
function openStream(columns?: number): { stream: NodeJS.WriteStream; written: () => string } {
  let text = '';
  const write = (more: string): boolean => {
    text += more;
    return true;
  };
  const stream = { isTTY: columns !== undefined, columns, write } as unknown as NodeJS.WriteStream;
  return { stream, written: () => text };
}

const parts: ProgressParts = {
  share: 0.5,
  state: ' 50 %',
  left: '12 min 05 s left',
  details: ['1,234 sequences', '56,789 tokens/s', '123.4 GFLOP/s'],
  name: 'a-file-with-a-rather-long-name.safetensors (3 of 200)',
};

test('the time that is left is in sight however narrow the terminal is, and no line wraps', (t) => {
  for (let columns = 1; columns <= 200; columns++) {
    const line = fitLine(parts, columns);
    t.true(line.length < columns || line === '', `${columns}: ${line}`);
    if (columns > parts.left.length) t.true(line.includes(parts.left), `${columns}: ${line}`);
  }
});

test('the name goes first, then most of the bar, then details from the end, then the bar', (t) => {
  const wide = fitLine(parts, 200);
  t.is(
    wide,
    `${'█'.repeat(12)}${'░'.repeat(12)}   50 %  12 min 05 s left  1,234 sequences, 56,789 tokens/s, 123.4 GFLOP/s  ${parts.name}`,
  );
  t.regex(fitLine(parts, 130), /^█{12}░{12} .* left {2}1,234 .* GFLOP\/s {2}a-file-with-.*…$/);
  t.regex(fitLine(parts, 100), /^█{12}░{12} {3}50 % .* GFLOP\/s$/);
  t.regex(fitLine(parts, 90), /^█{4}░{4} {3}50 % .* GFLOP\/s$/);
  t.is(fitLine(parts, 75), '████░░░░   50 %  12 min 05 s left  1,234 sequences, 56,789 tokens/s');
  t.is(fitLine(parts, 40), '████░░░░   50 %  12 min 05 s left');
  t.is(fitLine(parts, 30), ' 50 %  12 min 05 s left');
  t.is(fitLine(parts, 20), '12 min 05 s left');
});

test('a name can not move the cursor', (t) => {
  const line = fitLine({ ...parts, name: 'a\u001B[2Jb\nc' }, 200);
  t.true(line.endsWith(String.raw`a\x1b[2Jb\nc`), line);
});

const inputs = [{ path: 'data/x.npy', bytes: 999 }] as unknown as Parameters<
  typeof startProgress
>[0]['inputs'];

test('a run shows its share, its time and its rates on a terminal, and clears them in the end', (t) => {
  const { stream, written } = openStream(120);
  const progress = startProgress({ inputs, isDone: () => false, flop: () => 1e6 }, stream);
  progress.add({ tokens: 100, sequences: 4, input: 0, share: 0.5, failures: [] });
  t.regex(
    written(),
    /^\r\u001B\[2K█{12}░{12} {3}50 % {2}\S+ m?s left {2}4 sequences, [\d,]+ tokens\/s, [\d.]+ GFLOP\/s {2}x\.npy$/,
  );
  progress.end();
  t.true(written().endsWith('x.npy\r\u001B[2K'));
});

test('a measurement says how far it is and how long it takes', (t) => {
  const { stream, written } = openStream(40);
  const progress = startMeasureProgress(stream, ({ done, of }) => `${done} of ${of} points`);
  progress.show({ done: 3, of: 4, name: 'a point with a long name', msLeft: 12_345 });
  t.is(written(), '\r\u001B[2K██████░░  3 of 4 points  12.3 s left');
});

test('where there is no terminal nothing is written at once', (t) => {
  const { stream, written } = openStream();
  const progress = startMeasureProgress(stream, () => '');
  progress.show({ done: 3, of: 4, name: 'a point', msLeft: 12_345 });
  progress.end();
  t.is(written(), '');
});
