// What comes before and after the name of a command.
import test from 'ava';
import { headpool } from '../helpers/command.js';

test('flags may stand before the command', async (t) => {
  const { code, stdout, stderr } = await headpool('--json=true', 'info');
  t.is(code, 0, stderr);
  t.true('kernel' in (JSON.parse(stdout) as object));
});

for (const [args, message] of [
  [['info', 'more'], /^headpool: Unexpected argument `more`$/m],
  [['--json=true', 'info', 'more'], /^headpool: .*more/m],
  [['verify'], /^headpool: Expected `dirs`: folders with a cases\.json, /m],
] as const) {
  test(`${args.join(' ')} is refused`, async (t) => {
    const { code, stderr } = await headpool(...args);
    t.is(code, 2);
    t.regex(stderr, message);
    t.notRegex(stderr, /\n\s+at /, 'no stack');
  });
}

test('a command describes itself, wherever its name stands', async (t) => {
  const { stdout } = await headpool('verify', '--help');
  t.regex(stdout, /^headpool verify \[dirs\.\.\]$/m);
  const { stdout: other } = await headpool('--help', 'verify');
  t.regex(other, /verify/);
});

test('help is English whatever the locale', async (t) => {
  t.regex((await headpool('run', '--help')).stdout, /^ +--help +Show help/m);
});
