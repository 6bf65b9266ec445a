// Every shell line of README.md and docs/ is run, in order, in a folder for each page; outputs are those that are shown.
import test from 'ava';
import { makeReadersFolder, manual, readBlocks } from '../helpers/documents.js';
import { linesOf, runLine, type Line } from '../helpers/shell-lines.js';
import { findDifference } from '../helpers/shown-output.js';
import { testOnUnix } from '../helpers/skips.js';

/** Lines that no test can run, by how they begin or what they hold. */
const notRun: readonly { readonly line: RegExp; readonly reason: string }[] = [
  {
    line: /^(npm (ci|install|run|test)|apt-get|docker)\b/,
    reason: 'installs from the network, or builds and tests everything',
  },
  {
    line: /--device gpu|bench\/gpu-machine|dist\/bench\/gpu/,
    reason: 'needs a GPU, or its software for minutes',
  },
  { line: /--config configs\/(bench|scale|experiments\/\w+)\.yaml/, reason: 'measures for minutes' },
  { line: /--heads 8,12 |--axis heads,sequences,queries/, reason: 'measures for minutes' },
  { line: /^npx ava /, reason: 'runs tests of their own' },
];

/** Lines whose exit code depends on how busy the machine is. */
const verdicts: readonly { readonly line: RegExp; readonly codes: readonly number[] }[] = [
  { line: /^headpool bench --compare /, codes: [0, 1, 4] },
];

const isRun = ({ text }: Line): boolean => !notRun.some(({ line }) => line.test(text));
const codesOf = ({ text }: Line) => verdicts.find(({ line }) => line.test(text))?.codes;

const scripts = manual.map((page) => ({
  page: page.path,
  blocks: readBlocks(page).filter(({ language }) => language === 'sh'),
}));
const lines = scripts.flatMap(({ blocks }) => blocks.flatMap(linesOf));

test('shell lines are found, and no page calls them anything but sh', (t) => {
  t.true(lines.filter(isRun).length > 50);
  const others = manual
    .flatMap(readBlocks)
    .filter(({ language }) => /^(bash|shell|console|zsh)$/.test(language));
  t.deepEqual(others, []);
});

test('every line that is not run, or whose exit code may differ, is one that a page has', (t) => {
  for (const { line: known } of [...notRun, ...verdicts])
    t.true(
      lines.some(({ text }) => known.test(text)),
      String(known),
    );
});

for (const { page, blocks } of scripts.filter(({ blocks }) => blocks.flatMap(linesOf).some(isRun))) {
  testOnUnix(`the shell lines of ${page} run, and print what it shows`, async (t) => {
    const folder = await makeReadersFolder(t, page);
    for (const block of blocks) {
      let output = '';
      for (const line of linesOf(block).filter(isRun)) output += await runLine(folder, line, codesOf(line));
      if (block.shown !== undefined)
        t.is(findDifference(block.shown, output), undefined, `${page}:${block.line}`);
    }
    t.pass();
  });
}
