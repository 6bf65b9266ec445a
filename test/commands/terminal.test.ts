// What reaches a terminal: colours where it has them, and no control character of a name.
import { spawnSync } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { escapeControls, toJsonLine } from '../../src/commands/terminal.js';
import { writeModel } from '../helpers/checkpoint-files.js';
import { cli, headpool, run } from '../helpers/command.js';
import { makeFolder } from '../helpers/make-folder.js';
import { testUnless } from '../helpers/skips.js';

const layers = ['layers', 'test/conformance/models/gpt2/model.safetensors'];

test('control characters are shown as escapes, line breaks and tabs stay', (t) => {
  t.is(escapeControls('a\u001B[31mb\u0007\r\u007F\u009B'), String.raw`a\x1b[31mb\x07\x0d\x7f\x9b`);
  t.is(escapeControls('x\u202Etxt.npy'), String.raw`x\u202etxt.npy`);
  t.is(escapeControls('Zürich\n\t数 — q·k'), 'Zürich\n\t数 — q·k');
});

test('JSON without control characters means the same', (t) => {
  const value = { name: 'a\u001B\u007F\u009B\u202E\n' };
  const line = toJsonLine(value);
  t.regex(line, /^[\x20-\x7E]+$/);
  t.deepEqual(JSON.parse(line), value);
});

async function makeSequences(t: ExecutionContext, folder: string, name: string): Promise<void> {
  const args = ['--sequences', '2', '--max-length', '16', '--model-dim', '8'];
  const { code, stderr } = await run(folder, [
    'make-sequences',
    '-o',
    'x.npy',
    '--min-length',
    '16',
    ...args,
  ]);
  t.is(code, 0, stderr);
  await rename(join(folder, 'x.npy'), join(folder, name));
}

const evil = 'x\u001B]0;pwned\u0007\nheadpool: done\u001B[2J.npy';
const shown = String.raw`x\x1b]0;pwned\x07\nheadpool: done\x1b[2J.npy`;

test('a file named with escape sequences is shown, in results and in errors', async (t) => {
  const folder = await makeFolder(t);
  await mkdir(join(folder, 'in'));
  await makeSequences(t, folder, join('in', evil));
  const weights = ['make-weights', '-o', 'w.safetensors', '--model-dim', '8', '--heads', '2'];
  t.is((await run(folder, weights)).code, 0);
  const settings = ['run', '-i', 'in', '--weights', 'w.safetensors', '-o', 'out/', '--resume'];
  for (const args of [settings, [...settings, '--dry-run'], [...settings, '--json']]) {
    const { code, stdout, stderr } = await run(folder, args);
    t.is(code, 0, stderr);
    t.true(stdout.includes(shown) || JSON.stringify(JSON.parse(stdout)).includes('pwned'), stdout);
    t.notRegex(stdout + stderr, /[^\P{Cc}\n]|^headpool: done/mu);
  }
  await writeFile(join(folder, evil), 'no sequences');
  for (const more of [[], ['--json']]) {
    const args = ['run', '-i', evil, '--weights', 'w.safetensors', '-o', 'y.npy', ...more];
    const { code, stderr } = await run(folder, args);
    t.is(code, 1);
    t.regex(stderr, /pwned/);
    t.notRegex(stderr, /[^\P{Cc}\n]|^headpool: done/mu);
  }
});

test('so is a tensor whose name has them', async (t) => {
  const rename = (name: string): string => `\u001B[2J\nheadpool: done.${name}`;
  const folder = await writeModel(t, 'torch-encoder', { rename, config: null });
  const { code, stdout, stderr } = await headpool('layers', folder);
  t.is(code, 0, stderr);
  t.true(stdout.includes(String.raw`\x1b[2J\nheadpool: done.layers.0.self_attn`), stdout);
  t.notRegex(stdout, /[^\P{Cc}\n]|^headpool: done/mu);
});

test('nothing is coloured where there is no terminal', async (t) => {
  t.notRegex((await headpool(...layers)).stdout, /\u001B/);
  t.notRegex((await headpool('rum')).stderr, /\u001B/);
});

test('colours can be forced', async (t) => {
  const env = { FORCE_COLOR: '1' };
  const { stdout } = await run('.', layers, { env });
  t.regex(stdout, /^\u001B\[1mlayer +name .*\u001B\[22m\n/);
  const { stderr } = await run('.', ['rum'], { env });
  t.true(stderr.startsWith('\u001B[31mheadpool:\u001B[39m Unknown command'), stderr);
  const { stdout: verified } = await run(
    '.',
    ['verify', 'test/conformance/torch-multihead', '--kernel=wasm'],
    { env },
  );
  t.regex(verified, /: 8 \u001B\[32mpassed\u001B\[39m, 0 failed/);
});

const noScript = spawnSync('script', ['--version']).error === undefined ? undefined : 'there is no `script`';

testUnless(noScript)('a terminal gets colours unless the environment says otherwise', (t) => {
  const onTerminal = (env: Readonly<Record<string, string>>): string => {
    const command = [process.execPath, cli, ...layers].join(' ');
    const { stdout } = spawnSync('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      env: { PATH: process.env['PATH'], TERM: 'xterm-256color', ...env },
      encoding: 'utf8',
    });
    t.regex(stdout, /layer +name/);
    return stdout;
  };
  t.regex(onTerminal({}), /\u001B\[1mlayer/);
  t.notRegex(onTerminal({ NO_COLOR: '1' }), /\u001B/);
  t.notRegex(onTerminal({ TERM: 'dumb' }), /\u001B/);
  t.notRegex(onTerminal({ CI: 'true' }), /\u001B/);
});
