// What the tools say that look at packages: publint at package.json, attw at whether types and modules say the same.
import { join } from 'node:path';
import test from 'ava';
import { publint } from 'publint';
import { execute, installPacked, root } from '../helpers/packed.js';

const { folder, tarball } = await installPacked();

test('publint finds nothing to say', async (t) => {
  const { messages } = await publint({ pkgDir: folder, pack: false, strict: true });
  t.deepEqual(messages, []);
});

interface Analysis {
  readonly analysis: {
    readonly entrypoints: Readonly<Record<string, unknown>>;
    readonly problems: readonly unknown[];
  };
}

test('types and modules say the same, however they are found', async (t) => {
  const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  const { stdout } = await execute(process.execPath, [attw, tarball, '--format', 'json']);
  const { analysis } = JSON.parse(stdout) as Analysis;
  t.true('.' in analysis.entrypoints);
  t.deepEqual(analysis.problems, []);
});
