// What comes before and after the name of a command, and what every command makes of it.
import test from 'ava';
import { isJsonAsked, readWords } from '../../src/commands/arguments.js';
import { schemas } from '../../src/config/schemas.js';
import { headpool } from '../helpers/command.js';

test('flags may stand before the command', async (t) => {
  const { code, stdout, stderr } = await headpool('--json=true', 'info');
  t.is(code, 0, stderr);
  t.true('kernel' in (JSON.parse(stdout) as object));
});

for (const [args, message] of [
  [['info', 'more'], /^headpool: Unexpected argument `more`$/m],
  [['--json=false', 'info', 'more'], /^headpool: .*more/m],
  [
    ['make-weights', '-o', 'w', '--model-dim=8', '--heads=2'],
    /^headpool: Expected a path that ends in \.safetensors for `--output`, got `"w"`/m,
  ],
  [['bench', '--compare'], /^headpool: Expected a value after `--compare`$/m],
  [['verify'], /^headpool: Expected `dirs`: folders with a cases\.json, /m],
  [['rum'], /^headpool: Unknown command `rum`; did you mean `run`\?$/m],
  [['help', 'rum'], /^headpool: Unknown command `rum`; did you mean `run`\?$/m],
  [[], /^headpool: Name a command/m],
] as const) {
  test(`headpool ${args.join(' ')} is refused`, async (t) => {
    const { code, stdout, stderr } = await headpool(...args);
    t.is(code, 2);
    t.is(stdout, '');
    t.regex(stderr, message);
    t.notRegex(stderr, /\n\s+at /, 'no stack');
  });
}

for (const name of Object.keys(schemas)) {
  test(`${name} refuses a flag that it does not know, and names the nearest`, async (t) => {
    const { code, stdout, stderr } = await headpool(name, '--confg', 'x.yaml');
    t.is(code, 2);
    t.is(stdout, '');
    t.is(stderr, 'headpool: Unknown option `--confg`; did you mean `--config`?\n');
  });
}

test('a short flag is no suggestion for a long one', async (t) => {
  const { code, stderr } = await headpool('layers', '--xyz');
  t.is(code, 2);
  t.is(stderr, 'headpool: Unknown option `--xyz`\n');
});

for (const [one, other] of [
  [
    ['run', '-h'],
    ['run', '--help'],
  ],
  [
    ['help', 'run'],
    ['run', '--help'],
  ],
  [
    ['--', 'run', '--help'],
    ['run', '--help'],
  ],
  [['help'], ['--help']],
  [['-h'], ['--help']],
  [['-v'], ['--version']],
] as const) {
  test(`headpool ${one.join(' ')} says what headpool ${other.join(' ')} says`, async (t) => {
    const [a, b] = await Promise.all([headpool(...one), headpool(...other)]);
    t.is(a.code, 0, a.stderr);
    t.is(a.stdout, b.stdout);
    t.not(a.stdout, '');
  });
}

test('a command after two dashes is run', async (t) => {
  const { code, stdout, stderr } = await headpool('--', 'info', '--json', '--kernel', 'reference');
  t.is(code, 0, stderr);
  t.like(JSON.parse(stdout), { kernel: 'reference' });
});

test('a dash is the value of the flag in front of it', (t) => {
  t.deepEqual(readWords(['run', '-i', '-', '-o', 'y.npy']), ['run', '-i=-', '-o', 'y.npy']);
});

test('the last word about JSON holds', (t) => {
  t.false(isJsonAsked(['run', '--jsonl']));
  t.true(isJsonAsked(['run', '--no-json', '--json']));
  t.true(isJsonAsked(['--json=true', 'run']));
  t.false(isJsonAsked(['run', '--json', '--json=false']));
  t.false(isJsonAsked(['run', '--json', '--no-json']));
});

test('a command describes itself, wherever its name stands', async (t) => {
  const { stdout } = await headpool('verify', '--help');
  t.regex(stdout, /^headpool verify \[dirs\.\.\]$/m);
  const { stdout: other } = await headpool('--help', 'verify');
  t.regex(other, /verify/);
});

test('help is English whatever the locale', async (t) => {
  t.regex((await headpool('run', '--help')).stdout, /^ +-h, --help +Show help/m);
});

test('help shows settings in groups, what each may be, and which are needed', async (t) => {
  const { stdout } = await headpool('run', '--help');
  const titles = [...stdout.matchAll(/^(\S.*):$/gm)].map(([, title]) => title);
  t.deepEqual(titles, [
    ...[
      'Input',
      'Output',
      'Layer',
      'Attention',
      'Shards',
      'Machine',
      'Trouble and recovery',
      'Common',
      'Examples',
    ],
  ]);
  const help = stdout.replaceAll(/\s+/g, ' ');
  t.regex(help, / -i, --input files, [^[]+\[list of paths; required\]/);
  t.regex(help, / --weights checkpoint: [^[]+\[path; required\]/);
  t.regex(help, / --threads worker threads; [^[]+\[integer from 1 to 1024\]/);
  t.regex(help, / --dtype numbers of the output \[f32, f16, bf16; default: f32\]/);
  t.regex(help, / --statistics [^[]+\[flag\]/);
  t.regex(help, / --config [^[]+its paths start from the working directory \[path\]/);
});
