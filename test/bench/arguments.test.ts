// The arguments of every benchmark: help, and one line for what isn't one of them.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { readArguments } from '../../bench/helpers/arguments.js';

const folder = new URL('../../bench/', import.meta.url);
const scripts = readdirSync(folder).filter((name) => name.endsWith('.js') && name !== 'onnx-model.js');

function run(script: string, ...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const path = fileURLToPath(new URL(script, folder));
  return new Promise((resolve) => {
    execFile(process.execPath, [path, ...args], (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr });
    });
  });
}

test('there are scripts', (t) => {
  t.true(scripts.includes('peers.js') && scripts.length >= 5, scripts.join(' '));
});

for (const script of scripts) {
  test(`${script} says what it shows and which flags it has`, async (t) => {
    const { code, stdout, stderr } = await run(script, '--help');
    t.is(code, 0, stderr);
    t.regex(stdout, /^\S+\.js \[options\]\n\n.{20,}\.$/m);
    t.regex(stdout, /--json/);
    t.is(stderr, '');
  });

  test(`${script} refuses an unknown flag in one line`, async (t) => {
    const { code, stdout, stderr } = await run(script, '--wrong');
    t.is(code, 2);
    t.is(stdout, '');
    t.is(stderr, 'Unknown argument: wrong\n');
  });
}

for (const [args, message] of [
  [['--seconds', '0'], 'Expected a number > 0 for --seconds, got 0\n'],
  [['--seconds', 'many'], 'Expected a number > 0 for --seconds, got many\n'],
  [['--seconds'], 'Not enough arguments following: seconds\n'],
  [['more'], 'Unknown argument: more\n'],
] as const) {
  test(`limits.js refuses ${args.join(' ')} in one line`, async (t) => {
    const { code, stderr } = await run('limits.js', ...args);
    t.is(code, 2);
    t.is(stderr, message);
  });
}

test('peers.js refuses a case that no peer has in one line', async (t) => {
  const { code, stderr } = await run('peers.js', '--peer', 'gpu.js', '--cases', 'x');
  t.is(code, 2);
  t.is(stderr, 'Expected some of 512/8/128 for --cases, got x\n');
});

for (const [args, message] of [
  [['--rounds', '1'], 'Expected an integer of at least 2 for --rounds, got 1\n'],
  [['--rounds', '2.5'], 'Expected an integer of at least 2 for --rounds, got 2.5\n'],
  [['--rows', 'one-token,x'], /^Expected some of 512\/8\/16, .*, one-token, .* for --rows, got x\n$/],
] as const) {
  test(`calls.js refuses ${args.join(' ')} in one line`, async (t) => {
    const { code, stderr } = await run('calls.js', ...args);
    t.is(code, 2);
    if (typeof message === 'string') t.is(stderr, message);
    else t.regex(stderr, message);
  });
}

test.serial('a list that is not given is empty, and one that is has its items', (t) => {
  const given = process.argv;
  t.teardown(() => {
    process.argv = given;
  });
  const read = (...args: string[]) => {
    process.argv = ['node', 'script.js', ...args];
    return readArguments('It shows something.', { rows: [], rounds: 5 });
  };
  t.deepEqual(read().rows, []);
  t.is(read('--rounds', '3').rounds, 3);
  t.deepEqual(read('--rows', 'a,b').rows, ['a', 'b']);
});
