// How the package comes to be where nobody calls `npm run build`: in an install from git, and in a container.
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { execute, root } from '../helpers/packed.js';

/** The instructions of the Dockerfile and what follows them, by stages. */
const stages = (await readFile(join(root, 'Dockerfile'), 'utf8'))
  .split(/^(?=FROM )/m)
  .slice(1)
  .map((stage) =>
    [...stage.matchAll(/^([A-Z]+) (.+)$/gm)].map(([, name, rest]) => ({ name: name!, rest: rest! })),
  );

/** What `prepare` does in a clone without dist/, whose build only leaves a mark. */
const prepares = test.macro(
  async (t, env: Readonly<Record<string, string>>, dist: string, isBuilt: boolean) => {
    const clone = await mkdtemp(join(tmpdir(), 'headpool-clone-'));
    t.teardown(() => rm(clone, { recursive: true }));
    await mkdir(join(clone, 'tools'));
    await mkdir(join(clone, dist), { recursive: true });
    await cp(join(root, 'tools/prepare.mjs'), join(clone, 'tools/prepare.mjs'));
    const build = `node -e "fs.writeFileSync('built', '')"`;
    await writeFile(join(clone, 'package.json'), JSON.stringify({ scripts: { build } }));
    const outside = { ...process.env, _PACOTE_NO_PREPARE_: undefined };
    await execute(process.execPath, [join(clone, 'tools/prepare.mjs')], { env: { ...outside, ...env } });
    t.is(existsSync(join(clone, 'built')), isBuilt);
  },
);

const fromGit = { _PACOTE_NO_PREPARE_: 'git+file:///headpool' };
test('an install from git builds', prepares, fromGit, '', true);
test('an install from git builds once', prepares, fromGit, 'dist/library', false);
test('npm ci in a clone builds nothing', prepares, {}, '', false);

test('packing needs no compiler; publishing needs those of all platforms', async (t) => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const withoutCompilers = { env: { ...process.env, CXX: undefined, PATH: join(root, 'no-programs') } };
  const build = (script: string): Promise<unknown> => {
    const [, ...args] = scripts[script]!.split(' && ').at(-1)!.split(' ');
    return execute(process.execPath, args, { cwd: root, ...withoutCompilers });
  };
  await t.notThrowsAsync(build('prepack'));
  t.is(scripts['prepublishOnly'], 'npm run build:addons');
  await t.throwsAsync(build('build:addons'), { message: /linux-x64: .* not found.*: apt install / });
});

test('the container is built of what is here', async (t) => {
  const ignored = (await readFile(join(root, '.dockerignore'), 'utf8')).split('\n');
  const copied = stages.flat().filter(({ name, rest }) => name === 'COPY' && !rest.startsWith('--from'));
  const sources = copied.flatMap(({ rest }) => rest.split(' ').slice(0, -1));
  t.true(sources.includes('package-lock.json'));
  for (const source of sources) {
    t.true(existsSync(join(root, source)), source);
    t.false(ignored.includes(source), source);
  }
});

test('the container runs the command, on a Node.js that it supports, and not as root', async (t) => {
  const { engines, bin } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    readonly engines: { readonly node: string };
    readonly bin: Readonly<Record<string, string>>;
  };
  const last = stages.at(-1)!;
  const restOf = (wanted: string): string | undefined => last.find(({ name }) => name === wanted)?.rest;
  const [, image] = /^node:(\d+)/.exec(restOf('FROM')!)!;
  t.true(Number(image) >= Number.parseInt(engines.node.replace('>=', '')));
  t.is(restOf('USER'), 'node');
  t.deepEqual(JSON.parse(restOf('ENTRYPOINT')!), Object.keys(bin));
});
