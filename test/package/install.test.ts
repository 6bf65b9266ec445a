// What was packed and installed, used as its users use it, with nothing of this checkout and no compiler.
import { existsSync } from 'node:fs';
import { mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execute, installPacked } from '../helpers/packed.js';

const { program, folder } = await installPacked();

const addon = join(folder, `dist/workers/kernels/native/${process.platform}-${process.arch}.node`);

/** Runs node where only node is found. */
async function runNode(...args: readonly string[]): Promise<string> {
  const path = await mkdtemp(join(program, 'path-'));
  await symlink(process.execPath, join(path, 'node'));
  const env = { ...process.env, PATH: path, HEADPOOL_ISA: undefined };
  const { stdout, stderr } = await execute(process.execPath, [...args], {
    cwd: program,
    env,
  });
  if (stderr !== '') throw new Error(stderr);
  return stdout;
}

test('the command runs without a compiler, on the native kernel where an addon was packed', async (t) => {
  const info = await runNode(join(folder, 'dist/command/headpool.js'), 'info');
  t.regex(info, existsSync(addon) ? /^kernel +native /m : /^kernel +wasm /m);
});

test('the command computes, and its help is there', async (t) => {
  const command = join(folder, 'dist/command/headpool.js');
  const weights = join(program, 'w.safetensors');
  const inputs = join(program, 'x.safetensors');
  await runNode(command, 'make-weights', '-o', weights, '--model-dim', '16', '--heads', '2');
  await runNode(command, 'make-sequences', '-o', inputs, '--model-dim', '16', '--sequences', '3');
  const output = join(program, 'y.safetensors');
  await runNode(command, 'run', '-i', inputs, '--weights', weights, '-o', output);
  t.true(existsSync(output));
  t.regex(await runNode(command, '--help'), /headpool run/);
});

const compute = `
  const engine = await createEngine({ threads: 1 });
  const x = engine.tensor([2, 4], [1, 2, 3, 4, 5, 6, 7, 8]);
  const { output } = await engine.attention({ q: x, k: x, v: x, heads: 2 });
  if (!engine.ready) throw new Error('not ready');
  await engine.close({ timeoutMs: 1000 });
  console.log(JSON.stringify([...output.data]));`;

test('it loads by import and by require, as the same module', async (t) => {
  await writeFile(join(program, 'app.mjs'), `import { createEngine } from 'headpool';${compute}`);
  const required = `const { createEngine } = require('headpool');(async () => {${compute}})();`;
  await writeFile(join(program, 'app.cjs'), required);
  const numbers = await runNode('app.mjs');
  t.is((JSON.parse(numbers) as unknown[]).length, 8);
  t.is(await runNode('app.cjs'), numbers);
  const same =
    "import('headpool').then((m) => console.log(m.HeadpoolError === require('headpool').HeadpoolError))";
  t.is(await runNode('-e', same), 'true\n');
});
