// The settings of `headpool run` that say how to run rather than what to compute: reports, estimates, refusals.
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { RunEstimate } from '../../src/runs/preflight.js';
import type { RunReport } from '../../src/commands/outputs/run-output.js';
import { fieldsOf, flagOf } from '../../src/config/fields.js';
import { resolveSettings } from '../../src/config/settings.js';
import { assertRefused } from '../helpers/assertions.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, readSequences, writeSequences } from '../helpers/sequence-files.js';
import { layerFlags } from '../helpers/batch-run.js';
import { headpool, headpoolPiped } from '../helpers/command.js';

const lengths = [5, 0, 21, 1, 14];
const tokens = 41;

async function prepare(t: ExecutionContext) {
  const folder = await makeFolder(t);
  const flags = await layerFlags(folder);
  const at = (name: string) => join(folder, name);
  const x = await writeSequences(at('x.safetensors'), makeSequences(lengths, 1));
  const run = (...args: string[]) => headpool('run', ...flags, ...args);
  const list = async () => (await readdir(folder)).filter((name) => !/^[wx]\./.test(name)).sort();
  return { folder, flags, at, x, run, list };
}

test.serial('--json and --report tell the same: what was done, how fast, by what', async (t) => {
  const { at, x, run } = await prepare(t);
  const y = at('y.jsonl');
  const { code, stdout, stderr } = await run('-i', x, '-o', y, '--json', '--report', at('r.json'), '--verify-output'); // prettier-ignore
  t.is(code, 0, stderr);
  t.is(stderr, '');
  const report = JSON.parse(stdout) as RunReport;
  t.deepEqual(JSON.parse(await readFile(at('r.json'), 'utf8')), report);
  t.like(report, { outputs: [y], sequences: 5, tokens, resumedSequences: 0, failures: [], threads: 2 });
  t.like(report, { modelDim: 8, heads: 2, kvHeads: 2, headDim: 4, node: process.versions.node });
  t.deepEqual(report.verified, { files: 1, bytes: (await readFile(y)).length });
  t.true(report.elapsedMs > 0 && report.flop > 8 * tokens * 64);
  t.true(Math.abs(report.tokensPerSecond / ((1e3 * tokens) / report.elapsedMs) - 1) < 1e-9);
  t.true(Object.values(report.phaseMs).every((ms) => ms >= 0));
  for (const field of ['kernel', 'instructionSet', 'version'] as const) t.regex(report[field], /./);
});

test.serial(
  'without --verify-output nothing is said to be verified; the table says what was done',
  async (t) => {
    const { at, x, run } = await prepare(t);
    const json = await run('-i', x, '-o', at('y.npy'), '--pool', 'mean', '--json');
    t.is((JSON.parse(json.stdout) as RunReport).verified, null);
    const table = await run('-i', x, '-o', at('y.jsonl'), '--verify-output');
    t.regex(table.stdout, /^sequences +5$/m);
    t.regex(table.stdout, /^verified +1 files?, .*every checksum right$/m);
  },
);

test.serial('what is skipped is listed everywhere, and the exit code is 3', async (t) => {
  const { at, x, run, list } = await prepare(t);
  await writeFile(at('bad.jsonl'), '{"x":[[1,2]]}\n{"x":[]}\n');
  const cut = await writeSequences(at('cut.npz'), makeSequences([3], 2));
  await truncate(cut, 40);
  const args = ['-i', x, '-i', at('bad.jsonl'), '-i', cut, '-o', at('y.jsonl'), '--report', at('r.json')];
  const stopped = await run(...args);
  t.is(stopped.code, 1);
  t.deepEqual(await list(), ['bad.jsonl', 'cut.npz']);
  const { code, stdout, stderr } = await run(...args, '--on-error', 'skip');
  t.is(code, 3, stderr);
  t.regex(stdout, /^skipped +2, exit code 3$/m);
  t.regex(stderr, /^skipped: .*bad\.jsonl: .*line 1/m);
  t.regex(stderr, /^skipped: .*cut\.npz: /m);
  const { failures, sequences } = JSON.parse(await readFile(at('r.json'), 'utf8')) as RunReport;
  t.is(sequences, 6);
  t.like(failures, [{ input: at('bad.jsonl'), sequence: 0 }, { input: cut, sequence: null }]); // prettier-ignore
  t.deepEqual((await readSequences(at('y.jsonl'))).lengths, [...lengths, 0]);
  const again = await run(...args, '--on-error', 'skip', '--resume');
  t.is(again.code, 3, 'a finished run is told of as it was');
});

test.serial('a dry run counts what headers tell, and names what only reading tells', async (t) => {
  const { at, x, flags, run, list } = await prepare(t);
  const lines = await writeSequences(at('x.jsonl'), makeSequences([4], 1));
  const args = ['-i', x, '-i', lines, '-o', at('y.safetensors'), '--dry-run', '--batch-tokens', '20'];
  const { code, stdout, stderr } = await run(...args, '--json');
  t.is(code, 0, stderr);
  const estimate = JSON.parse(stdout) as RunEstimate;
  t.like(estimate, { sequences: 5, tokens, unknownInputs: [lines] });
  t.true(estimate.chunks >= 3 && estimate.units > 0 && estimate.memoryBytes > 0);
  const table = await run(...args);
  t.regex(table.stdout, /^unknown .*x\.jsonl/m);
  const piped = await headpoolPiped(Buffer.from('{'), 'run', ...flags, '-i', '-', '-o', '-', '--dry-run', '--json'); // prettier-ignore
  t.is(piped.code, 0, piped.stderr);
  t.like(JSON.parse(piped.stdout.toString()), { sequences: 0, unknownInputs: ['-'] });
  t.deepEqual(await list(), []);
  t.is((await run('-i', x, '-o', at('no/'), '--dry-run')).code, 0);
  t.deepEqual(await list(), [], 'no folder is made');
});

test.serial('a run that is done is done again, or with --resume found done', async (t) => {
  const { at, x, run } = await prepare(t);
  const args = ['-i', x, '-o', at('y.safetensors'), '--json'];
  for (const [flag, resumedSequences] of [[], ['--restart'], ['--resume']].map(
    (f) => [f, f[0] === '--resume' ? 5 : 0] as const,
  )) {
    // prettier-ignore
    const { code, stdout, stderr } = await run(...args, ...flag);
    t.is(code, 0, stderr);
    t.like(JSON.parse(stdout), { sequences: 5, resumedSequences });
  }
  const other = await run(...args, '--resume', '--causal');
  t.is(other.code, 2);
  t.regex(other.stderr, /had `false` \(boolean\) for `configuration\.causal`.*`--restart`/);
});

test.serial('statistics stand beside the output, a line a sequence', async (t) => {
  const { at, x, run, list } = await prepare(t);
  const { code, stderr } = await run(
    '-i',
    x,
    '-o',
    at('y.safetensors'),
    '--statistics',
    '--batch-tokens',
    '9',
  );
  t.is(code, 0, stderr);
  t.deepEqual(await list(), ['y.safetensors', 'y.safetensors.manifest', 'y.statistics.jsonl']);
  const lines = (await readFile(at('y.statistics.jsonl'), 'utf8')).trim().split('\n');
  const parsed = lines.map(
    (line) => JSON.parse(line) as { sequence: number; tokens: number; entropy: number[] },
  );
  t.deepEqual(parsed.map(({ sequence }) => sequence), [0, 1, 2, 3, 4]); // prettier-ignore
  t.deepEqual(parsed.map((line) => line.tokens), lengths); // prettier-ignore
  t.deepEqual(parsed[3]!.entropy, [0, 0], 'one key leaves no choice');
});

interface Refusal {
  readonly args: readonly string[];
  readonly code?: number;
  readonly says: RegExp;
}

const refusals: Readonly<Record<string, Refusal>> = {
  '--resume with --restart': {
    args: ['--resume', '--restart'],
    says: /^headpool: `--resume` and `--restart` can't be used together$/m,
  },
  'a size of memory that is none': {
    args: ['--memory', 'nonsense'],
    says: /500MB or 2GiB for `--memory`, got `"nonsense"`/,
  },
  'memory for no token': {
    args: ['--memory', '1kB'],
    code: 1,
    says: /at least \d+ MB for `memory`.*got 0 MB/,
  },
  'more tokens than memory': {
    args: ['--memory', '2MB', '--batch-tokens', '1000000'],
    code: 1,
    says: /the weights and 1000000 tokens need, got 2 MB/,
  },
  'half a token': {
    args: ['--batch-tokens', '1.5'],
    says: /an integer >= 1 for `--batch-tokens`, got `1.5`/,
  },
  'no token at a time': { args: ['--batch-tokens', '0'], says: /`--batch-tokens`, got `0`/ },
  'a pooling that is none': {
    args: ['--pool', 'maen'],
    says: /mean, first, last for `--pool`, got `"maen"`/,
  },
  'a flag nearly right': { args: ['--verify-outputs'], says: /did you mean `--verify-output`/ },
  'jsonl in 16 bits': {
    args: ['--dtype', 'f16', '--output-format', 'jsonl'],
    says: /'f32' in \.jsonl for `dtype`/,
  },
  'npy in bfloat16': {
    args: ['--dtype', 'bf16', '--output-format', 'npy', '--pool', 'mean'],
    says: /f32 or f16 for \.npy/,
  },
  'an embedding that is not there': {
    args: ['--embedding', '/no/e.safetensors'],
    code: 1,
    says: /could not open/,
  },
};

for (const [name, { args, code = 2, says }] of Object.entries(refusals)) {
  test.serial(`${name} is refused with exit code ${code}, in one line, and nothing is left`, async (t) => {
    const { at, x, run, list } = await prepare(t);
    const result = await run('-i', x, '-o', at('y.safetensors'), ...args);
    t.is(result.code, code, result.stderr);
    t.regex(result.stderr, says);
    t.is(result.stderr.trim().split('\n').length, 1);
    t.is(result.stdout, '');
    t.deepEqual(await list(), []);
  });
}

const choices: Readonly<Record<string, string>> = {
  pool: 'mean, first, last',
  dtype: 'f32, f16, bf16',
  onError: 'stop, skip',
  inputFormat: 'jsonl, arrow, npy, npz',
  outputFormat: 'safetensors, npy, jsonl, arrow, parquet',
};

for (const [field, names] of Object.entries(choices)) {
  test(`a wrong value for ${flagOf(field)} is answered with the right ones`, async (t) => {
    const flags = { input: ['x.npy'], output: 'y.npy', weights: 'w', heads: 2, [field]: 'nonsense' };
    const resolve = () => resolveSettings('run', { flags, environment: {}, configPath: undefined });
    const what = `Expected ${names} for \`${flagOf(field)}\`, got \`"nonsense"\``;
    await assertRefused(t, resolve, { code: 'INVALID_OPTION', what });
  });
}

// Whoever names a file twice loses it: it is replaced when the run ends.
test.serial('an output that is read as keys or weights is refused', async (t) => {
  const { at, x, run } = await prepare(t);
  const k = await writeSequences(at('k.safetensors'), makeSequences(lengths, 2));
  const before = await readFile(k);
  const { code } = await run('-i', x, '--key', k, '-o', k);
  t.is(code, 2);
  t.deepEqual(await readFile(k), before);
});

// What standard input brings can't be resumed, and nothing says so.
test.serial('--resume of what can not be resumed is refused', async (t) => {
  const { at, flags } = await prepare(t);
  const piped = await headpoolPiped(Buffer.from('{"x":[]}\n'), 'run', ...flags, '-i', '-', '-o', at('y.jsonl'), '--resume'); // prettier-ignore
  t.is(piped.code, 2);
  t.is(piped.stderr, 'headpool: `--resume` needs files as input and output\n');
});

test.serial('help names every setting of a run, with its choices', async (t) => {
  const { stdout, code } = await headpool('run', '--help');
  t.is(code, 0);
  const fields = fieldsOf('run');
  for (const name of [
    'pool',
    'statistics',
    'memory',
    'onError',
    'resume',
    'restart',
    'verifyOutput',
    'report',
  ])
    t.true(fields.has(name), name);
  for (const [field, setting] of fields) {
    t.true(stdout.includes(`${flagOf(field)} `), field);
    for (const choice of setting.kind === 'string' ? setting.words : [])
      t.true(stdout.includes(choice), choice);
  }
});
