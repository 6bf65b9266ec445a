// What `npm start` and `npm test` say while they build.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeFolder } from './helpers/make-folder.js';
import { packageRoot } from './helpers/package-root.js';

interface Step {
  readonly name: string;
  readonly script: string;
}

const { runSteps } = (await import(new URL('tools/run-steps.mjs', packageRoot()).href)) as {
  readonly runSteps: (steps: readonly Step[], about: string, say: (line: string) => void) => Promise<number>;
};

async function makeSteps(t: ExecutionContext, sources: readonly string[]): Promise<Step[]> {
  const folder = await makeFolder(t);
  return Promise.all(
    sources.map(async (source, n) => {
      const script = join(folder, `${n}.mjs`);
      await writeFile(script, source);
      return { name: `step ${n}`, script };
    }),
  );
}

test('all steps are named before the first one, and each when it begins', async (t) => {
  const said: string[] = [];
  const steps = await makeSteps(t, ['', '']);
  t.is(await runSteps(steps, 'about a minute', (line) => said.push(line)), 0);
  t.deepEqual(said.slice(0, 3), [
    'building: step 0, step 1 (about a minute)',
    '1 of 2: step 0',
    '2 of 2: step 1',
  ]);
  t.regex(said[3]!, /^built in \d+ s$/);
});

test('a step that fails ends the build with its exit code', async (t) => {
  const said: string[] = [];
  const steps = await makeSteps(t, ['process.exitCode = 3;', 'throw new Error("not reached");']);
  t.is(await runSteps(steps, 'a moment', (line) => said.push(line)), 3);
  t.deepEqual(said.slice(1), ['1 of 2: step 0', 'step 0 could not be built']);
});

test('npm start and npm test build by it', async (t) => {
  const text = await readFile(new URL('package.json', packageRoot()), 'utf8');
  const { scripts } = JSON.parse(text) as { scripts: Readonly<Record<string, string>> };
  t.is(scripts['build'], 'node tools/build.mjs');
  for (const name of ['start', 'test']) t.true(scripts[name]!.startsWith('npm run --silent build && '), name);
});
