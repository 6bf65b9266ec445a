// The command where its addons can't be loaded: `info` says why, and everything else works on.
import { cp, readdir, readFile, symlink, truncate } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { addonProblem } from '../helpers/engines.js';
import { makeFolder } from '../helpers/make-folder.js';
import { packageRoot } from '../helpers/package-root.js';
import { testOnLinux, testUnless } from '../helpers/skips.js';

const root = fileURLToPath(packageRoot());
const isNode20 = process.versions.node.startsWith('20.');
const permission = isNode20 ? '--experimental-permission' : '--permission';
const mayAllElse = [permission, '--allow-fs-read=*', '--allow-fs-write=*', '--allow-worker'];

/** Runs the command of a package with flags of Node.js; what it prints, of the second stream only what is ours. */
async function headpool(
  packageFolder: string,
  flags: readonly string[],
  ...args: readonly string[]
): Promise<string> {
  const cli = join(packageFolder, 'dist/command/headpool.js');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...flags, cli, ...args]);
  if (/^ +at /m.test(stderr)) throw new Error(stderr);
  return stdout;
}

/** A copy of the package whose addons have lost their second half. */
async function copyDamaged(t: ExecutionContext): Promise<string> {
  const copy = await makeFolder(t);
  for (const part of ['package.json', 'dist/command', 'dist/src', 'dist/workers'])
    await cp(join(root, part), join(copy, part), { recursive: true });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
  for (const path of await readdir(copy, { recursive: true }))
    if (path.endsWith('.node') && !path.startsWith('node_modules')) await halve(join(copy, path));
  return copy;
}

async function halve(path: string): Promise<void> {
  await truncate(path, Math.floor((await readFile(path)).length / 2));
}

interface Inputs {
  readonly folder: string;
  readonly args: readonly string[];
}

async function makeInputs(t: ExecutionContext): Promise<Inputs> {
  const folder = await makeFolder(t);
  const [weights, input] = [join(folder, 'w.safetensors'), join(folder, 'x.safetensors')];
  await headpool(root, [], 'make-weights', '--model-dim=32', '--heads=4', `--output=${weights}`);
  const shape = ['--model-dim=32', '--sequences=3', '--max-length=40'];
  await headpool(root, [], 'make-sequences', ...shape, `--output=${input}`);
  return { folder, args: ['--kernel=wasm', '--heads=4', `--weights=${weights}`, `--input=${input}`] };
}

const situations: Readonly<Record<string, { flags: string[]; isDamaged?: true; reason: RegExp }>> = {
  'addons that are cut off': { flags: [], isDamaged: true, reason: /\.node is damaged: its end is missing$/ },
  'Node.js without addons': { flags: ['--no-addons'], reason: /told to load no addons/ },
  "Node.js's permissions without addons": {
    flags: mayAllElse,
    reason: /--permission without --allow-addons/,
  },
};

for (const [title, { flags, isDamaged, reason }] of Object.entries(situations)) {
  const inThis = (t: ExecutionContext) => (isDamaged ? copyDamaged(t) : Promise.resolve(root));

  testUnless(addonProblem)(`${title} are a reason that info tells`, async (t) => {
    const info = await headpool(await inThis(t), flags, 'info', '--json');
    const { kernel, unavailable, pageCacheProblem } = JSON.parse(info) as {
      readonly kernel: string;
      readonly unavailable: readonly { readonly name: string; readonly reason: string }[];
      readonly pageCacheProblem?: string;
    };
    t.is(kernel, 'wasm');
    t.is(unavailable[0]?.name, 'native');
    t.regex(unavailable[0]!.reason, reason);
    if (process.platform === 'linux') t.regex(pageCacheProblem!, reason);
  });

  testOnLinux(`with ${title} a run writes the same bytes`, async (t) => {
    const { folder, args } = await makeInputs(t);
    const [here, whole] = ['here', 'whole'].map((name) => join(folder, `${name}.safetensors`));
    await headpool(await inThis(t), flags, 'run', ...args, `--output=${here!}`);
    await headpool(root, [], 'run', ...args, `--output=${whole!}`);
    t.true((await readFile(here!)).equals(await readFile(whole!)));
  });
}

testUnless(addonProblem)('info tells people in one line why written files stay in memory', async (t) => {
  const info = await headpool(root, ['--no-addons'], 'info');
  t.is(
    /^page cache +written files stay in it: Node.js was told/m.test(info),
    process.platform === 'linux',
    info,
  );
  t.notRegex(await headpool(root, [], 'info'), /^page cache/m);
});
