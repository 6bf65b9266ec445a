// Thousands of damaged files of the formats whose metadata say how much to read and where.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { Outcomes } from '../../helpers/damaged-files-child.js';

const child = fileURLToPath(new URL('../../helpers/damaged-files-child.js', import.meta.url));
/** Half of it are Node.js and the packages that write the files. */
const mostMemory = 320;

async function readDamaged(extension: string, seed: number, files: number): Promise<Outcomes> {
  const process_ = spawn(process.execPath, [
    '--max-old-space-size=128',
    child,
    extension,
    String(seed),
    String(files),
  ]);
  const [output, errors] = await Promise.all([text(process_.stdout), text(process_.stderr)]);
  if (output === '') throw new Error(errors);
  return JSON.parse(output) as Outcomes;
}

const survives = test.macro(async (t: ExecutionContext, extension: string, seed: number, files: number) => {
  const { read, refused, longestMs, memory, foreign } = await readDamaged(extension, seed, files);
  t.deepEqual(foreign, []);
  t.is(read + refused, files);
  t.true(read > files / 50 && refused > files / 5, `${read} read, ${refused} refused`);
  t.true(longestMs < 1000, `${longestMs} ms of CPU time for a file`);
  t.true(memory < mostMemory, `${memory} MB`);
});
test(
  'Damaged Arrow files give sequences or an error of ours, soon and in little memory',
  survives,
  'arrow',
  1,
  4000,
);
test(
  'Damaged Parquet files give sequences or an error of ours, soon and in little memory',
  survives,
  'parquet',
  2,
  1500,
);
