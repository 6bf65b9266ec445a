// What is asked of each platform: that all conformance cases pass, and that a run over a folder, gone on with once it holds
// one more file, writes what this machine writes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const suites = ['onnx-attention', 'torch-multihead', 'extended'].map((name) => `test/conformance/${name}`);
/** On another processor an attention may differ by this much, and no more. */
const tolerance = 1e-5;

/** Runs the command on a platform; what it printed. Through files: Windows programs find no pipes under Wine. */
async function headpool({ under, node, env }, folder, isa, args) {
  const [out, err] = [join(folder, 'stdout'), join(folder, 'stderr')];
  const files = await Promise.all([open(out, 'w'), open(err, 'w')]);
  const [file, ...rest] = [...under, node, 'dist/command/headpool.js', ...args];
  const child = spawn(file, rest, {
    cwd: root,
    env: { ...process.env, ...env, HEADPOOL_ISA: isa },
    stdio: ['ignore', ...files.map(({ fd }) => fd)],
  });
  const [code, signal] = await once(child, 'exit');
  await Promise.all(files.map((one) => one.close()));
  if (code === 0) return readFile(out, 'utf8');
  throw new Error(`${args[0]} ended with ${signal ?? code}: ${(await readFile(err, 'utf8')).trim()}`);
}

/** What HEADPOOL_ISA is set to. */
function isaOf({ set = '', isAsked = false }) {
  return isAsked ? set : '';
}

/** Verifies all suites; says how many cases passed. */
export async function verify(platform, folder, choice) {
  const report = await headpool(platform, folder, isaOf(choice), [
    'verify',
    ...suites,
    `--kernel=${choice.kernel}`,
    '--json',
  ]);
  const { passed, failed, skipped } = JSON.parse(report);
  const wanted = await countCases();
  if (passed === wanted && failed === 0) return `${passed} of ${wanted} cases`;
  throw new Error(`${passed} of ${wanted} cases passed, ${failed} failed, ${skipped} were skipped`);
}

async function countCases() {
  const texts = await Promise.all(suites.map((suite) => readFile(join(root, suite, 'cases.json'), 'utf8')));
  return texts.reduce((count, text) => count + JSON.parse(text).cases.length, 0);
}

const lengths = [1, 70, 300];
const modelDim = 64;

/** Makes the weights and the files that are run over. */
export async function makeInputs(platform, folder) {
  const made = join(folder, 'made');
  await mkdir(made);
  const dim = `--model-dim=${modelDim}`;
  const make = (...args) => headpool(platform, folder, '', args);
  await make('make-weights', dim, '--heads=4', `--output=${join(made, 'weights.safetensors')}`);
  for (const [index, length] of lengths.entries()) {
    const sequence = ['--sequences=1', `--min-length=${length}`, `--max-length=${length}`, `--seed=${index}`];
    await make('make-sequences', dim, ...sequence, `--output=${join(made, `${index}.npy`)}`);
  }
  return made;
}

/** Runs over all but one file, then goes on with all; the outputs by name. */
export async function runFolder(platform, folder, made, choice) {
  const [input, output] = [join(folder, 'in'), join(folder, 'out')];
  const weights = join(made, 'weights.safetensors');
  const args = [`--kernel=${choice.kernel}`, '--heads=4', `--weights=${weights}`, `--input=${input}`];
  const run = (...more) =>
    headpool(platform, folder, isaOf(choice), ['run', ...args, `--output=${output}/`, ...more]);
  await mkdir(input, { recursive: true });
  const names = lengths.map((_, index) => `${index}.npy`);
  const last = names.at(-1);
  for (const name of names) {
    if (name === last) await run();
    await copyFile(join(made, name), join(input, name));
  }
  await run('--resume');
  const written = await readdir(output);
  const missing = names.filter((name) => !written.includes(name));
  if (missing.length > 0) throw new Error(`no output ${missing.join(', ')}, only ${written.join(', ')}`);
  return Promise.all(names.map((name) => readFile(join(output, name))));
}

/** Compares outputs with those of this machine; says how near they are. */
export function compare(outputs, wanted, { isSameProcessor }) {
  if (outputs.every((bytes, index) => bytes.equals(wanted[index]))) return 'a run with the same bytes';
  if (isSameProcessor) throw new Error('a run wrote other bytes than this Node.js');
  const largest = Math.max(...outputs.map((bytes, index) => largestDifference(bytes, wanted[index])));
  if (largest <= tolerance) return `a run within ${largest.toExponential(0)}`;
  throw new Error(`a run differs by ${largest} from this machine`);
}

function largestDifference(a, b) {
  const [x, y] = [a, b].map(floatsOf);
  if (x.length !== y.length || x.length === 0) return Infinity;
  // NaN is no number below the limit either.
  return x.reduce((largest, number, index) => Math.max(largest, Math.abs(number - y[index])), 0);
}

/** The numbers of a .npy file, version 1. */
function floatsOf(bytes) {
  return new Float32Array(Uint8Array.from(bytes.subarray(10 + bytes.readUInt16LE(8))).buffer);
}
