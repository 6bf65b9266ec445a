// Tries the addons on every platform that can be had on one x64 Linux (platforms.mjs), and says of each whether it passed.
// What isn't installed is not run, which is no failure unless --require says so.
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolder } from '../../tools/with-folder.mjs';
import { compare, makeInputs, runFolder, verify } from './checks.mjs';
import { findMissingMusl, loadUnderMusl } from './musl.mjs';
import { findMissing, isHostRight, platforms } from './platforms.mjs';

const counts = { passed: 0, failed: 0, 'not run': 0 };
const isRequired = process.argv.includes('--require');
let isMissing = false;

if (isHostRight) await withFolder('headpool-platforms-', tryAll);
else tell('not run', 'all platforms', 'they are tried from an x64 Linux');
console.log(
  Object.entries(counts)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', '),
);
if (counts.failed > 0 || (isRequired && isMissing)) process.exitCode = 1;

async function tryAll(folder) {
  const made = await makeInputs(platforms[0], folder);
  const wanted = new Map();
  for (const [index, platform] of platforms.entries()) {
    const missing = await findMissing(platform);
    if (missing === undefined) await tryPlatform(platform, join(folder, String(index)), made, wanted);
    else tellMissing(platform.title, missing);
  }
  await tryMusl(folder);
  tell('not run', 'macOS', 'none can be had here');
}

/** Tries each kernel; the outputs of the first platform are wanted of the others. */
async function tryPlatform(listed, folder, made, wanted) {
  await mkdir(folder);
  const platform = { ...listed, node: await nodeIn(folder, listed), env: envOf(folder) };
  const isFirst = listed === platforms[0];
  for (const choice of platform.kernels) {
    const { kernel, set = kernel } = choice;
    await judge(`${platform.title}, ${kernel === set ? kernel : `${kernel} ${set}`}`, async () => {
      const place = join(folder, set);
      await mkdir(place);
      const cases = await verify(platform, place, choice);
      const outputs = await runFolder(platform, place, made, choice);
      if (isFirst) wanted.set(set, outputs);
      // An instruction set of another processor is compared with the best one of this.
      const [best] = wanted.values();
      return `${cases}, ${isFirst ? 'a run' : compare(outputs, wanted.get(set) ?? best, platform)}`;
    });
  }
}

/** Node.js, copied under another name where the platform asks for that. */
async function nodeIn(folder, { node, copyAs }) {
  if (copyAs === undefined) return node;
  const copy = join(folder, copyAs);
  await copyFile(node, copy);
  return copy;
}

async function tryMusl(folder) {
  const missing = await findMissingMusl();
  if (missing === undefined) await judge('musl', () => loadUnderMusl(folder));
  else tellMissing('musl', missing);
}

/** Wine keeps a Windows there, and Node.js need not like its version. */
function envOf(folder) {
  return { WINEPREFIX: join(folder, 'wine'), WINEDEBUG: '-all', NODE_SKIP_PLATFORM_CHECK: '1' };
}

async function judge(title, check) {
  try {
    tell('passed', title, await check());
  } catch (error) {
    tell('failed', title, error.message);
  }
}

function tellMissing(title, command) {
  isMissing = true;
  tell('not run', title, `not installed: ${command}`);
}

function tell(outcome, title, detail) {
  counts[outcome]++;
  console.log(`${outcome.padEnd(7)}  ${title}: ${detail}`);
}
