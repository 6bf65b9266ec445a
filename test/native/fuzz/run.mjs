// Calls the kernels of each instruction set that the processor runs as libFuzzer chooses, under AddressSanitizer and
// UndefinedBehaviorSanitizer: calls that must be taken, a seeded fault that must be found, the finds that were kept, then
// new calls for some seconds. Succeeds with a word where the machine has no clang for that.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { include_dir as nodeApiHeaders } from 'node-api-headers';
import { machine } from '../../../tools/targets.mjs';
import { compile, compileSet, execute, nameSet } from '../../../tools/toolchain.mjs';
import { withFolder } from '../../../tools/with-folder.mjs';
import { findSupported } from '../supported.mjs';
import { wholeCalls } from './whole-calls.mjs';

const pathTo = (place) => fileURLToPath(new URL(place, import.meta.url));
const calls = pathTo('fuzz_calls.cc');
const operations = pathTo('../../../workers/kernels/native/operations.cc');
const finds = pathTo('../../fuzz/finds/native/');

const clangs = ['clang++', ...[20, 19, 18, 17, 16, 15, 14].map((version) => `clang++-${version}`)];
const sanitizers = 'address,undefined';
const flags = [
  ...['-O1', '-g', '-fno-omit-frame-pointer', `-I${nodeApiHeaders}`],
  ...[`-fsanitize=fuzzer-no-link,${sanitizers}`, '-fno-sanitize-recover=all'],
];
/** A call of so many seconds is a find. Right ones of the largest sizes take ten, and many times that on a busy machine. */
const mostSeconds = 300;
const limits = [
  ...[`-timeout=${mostSeconds}`, `-report_slow_units=${mostSeconds}`],
  ...['-max_len=400', '-verbosity=0', '-print_final_stats=1'],
];
/** The seeded fault takes a few hundred. */
const mostRuns = 100_000;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });

process.exitCode = await withFolder('headpool-fuzz-', fuzz);

/** The exit code. */
async function fuzz(folder) {
  const compiler = await findClang(folder);
  if (compiler === undefined) {
    console.log(
      'Calls of the native kernel are not fuzzed, for there is no clang with libFuzzer; on Debian: apt install clang-14 libclang-rt-14-dev',
    );
    return 0;
  }
  const corpus = await writeCorpus(join(folder, 'corpus'));
  await mkdir(finds, { recursive: true });
  for (const set of await findSupported(compiler)) {
    const code = await fuzzSet(compiler, set, corpus);
    if (code !== 0) return code;
  }
  return 0;
}

/** The first one that builds a program of libFuzzer that runs. */
async function findClang(folder) {
  const source = join(folder, 'nothing.cc');
  await writeFile(
    source,
    'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }\n',
  );
  for (const name of machine.commands.length === 0 ? [] : clangs) {
    const compiler = { command: [name], target: machine, folder };
    const program = join(folder, name);
    const { code } = await link(compiler, [source], program);
    if (code === 0 && (await execute({ command: [program] }, ['-runs=1'])).code === 0) return compiler;
  }
  return undefined;
}

function link(compiler, inputs, program) {
  const { compileFlags } = compiler.target;
  return execute(compiler, [...compileFlags, `-fsanitize=fuzzer,${sanitizers}`, ...inputs, '-o', program]);
}

/** The folder, and the files that it begins with. */
async function writeCorpus(folder) {
  await mkdir(folder);
  const files = wholeCalls.map((_, n) => join(folder, `whole-${n}`));
  for (const [n, bytes] of wholeCalls.entries()) await writeFile(files[n], bytes);
  return { folder, files };
}

async function fuzzSet(compiler, set, corpus) {
  const kernels = await compileSet(compiler, set, operations, flags);
  if (kernels.state === 'left out') return 0;
  const build = (name, macros) => buildProgram(compiler, kernels, `${name}-${set}`, macros);
  const strict = await build('strict', ['-DHEADPOOL_WHOLE_CALLS']);
  const faulty = await build('faulty', ['-DHEADPOOL_SEEDED_FAULT']);
  const program = await build('calls', []);
  if ([strict, faulty, program].includes(undefined)) return 1;

  const whole = await run(strict, corpus.files);
  if (whole.code !== 0) return fail(`${set}: a call that is right is refused or fails`, whole);
  const seeded = await run(faulty, [
    `-runs=${mostRuns}`,
    `-artifact_prefix=${compiler.folder}/`,
    corpus.folder,
  ]);
  if (!seeded.output.includes('ERROR: AddressSanitizer'))
    return fail(`${set}: a seeded fault is not found`, seeded);
  const kept = (await readdir(finds)).map((name) => join(finds, name));
  const old = kept.length === 0 ? { code: 0 } : await run(program, kept);
  if (old.code !== 0) return fail(`${set}: what broke it once breaks it again`, old);
  console.log(
    `${set}: ${corpus.files.length} right calls are taken, a seeded fault is found, ${kept.length} kept finds hold; now ${values.seconds} s of calls`,
  );
  const found = await run(program, [
    `-max_total_time=${values.seconds}`,
    `-artifact_prefix=${finds}`,
    corpus.folder,
  ]);
  if (found.code !== 0) return fail(`${set}: FOUND`, found);
  console.log(`${set}: ${/executed_units: *(\d+)/.exec(found.output)[1]} calls without a find`);
  return 0;
}

function run(program, args) {
  return execute({ command: [program] }, [...limits, ...args]);
}

function fail(problem, { output }) {
  console.error(`${problem}\n${output}`);
  return 1;
}

/** The program's path, or undefined where it could not be built. */
async function buildProgram(compiler, kernels, name, macros) {
  const own = await compile(compiler, name, calls, [...flags, nameSet(kernels.name), ...macros]);
  const program = join(compiler.folder, name);
  const linked = await link(compiler, [own.object, kernels.object], program);
  process.stderr.write(kernels.output + own.output + linked.output);
  return linked.code === 0 ? program : undefined;
}
