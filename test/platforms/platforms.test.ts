// The checker of platforms itself: it must notice what is wrong, and say what is missing. And the build of all addons, where
// there is no compiler.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { makeFolder } from '../helpers/make-folder.js';
import { packageRoot } from '../helpers/package-root.js';

interface Platform {
  readonly under: readonly string[];
  readonly needed?: string;
  readonly node: string;
  readonly debianPackages: readonly string[];
  readonly target: string;
  readonly isSameProcessor: boolean;
}
interface Choice {
  readonly kernel: string;
  readonly set?: string;
  readonly isAsked?: boolean;
}
interface Checks {
  readonly verify: (platform: Platform, folder: string, choice: Choice) => Promise<string>;
  readonly compare: (outputs: readonly Buffer[], wanted: readonly Buffer[], platform: Platform) => string;
}
interface Platforms {
  readonly platforms: readonly Platform[];
  readonly findMissing: (platform: Platform) => Promise<string | undefined>;
}

const load = (path: string): Promise<unknown> => import(new URL(path, packageRoot()).href);
const { verify, compare } = (await load('test/platforms/checks.mjs')) as Checks;
const { platforms, findMissing } = (await load('test/platforms/platforms.mjs')) as Platforms;

const [here] = platforms as [Platform];
const elsewhere = { ...here, isSameProcessor: false };

/** A platform whose Node.js runs this program instead of the command. */
const programmed = (program: string): Platform => ({ ...here, under: [process.execPath, '-e', program] });
const reports = (passed: number, failed: number, skipped: number): Platform =>
  programmed(`console.log(JSON.stringify(${JSON.stringify({ passed, failed, skipped })}))`);
const cases = 115;

test('a platform on which every case passes has passed', async (t) => {
  const folder = await makeFolder(t);
  t.is(await verify(reports(cases, 0, 0), folder, { kernel: 'wasm' }), `${cases} of ${cases} cases`);
});

for (const [passed, failed, skipped] of [
  [cases - 1, 1, 0],
  [cases - 1, 0, 1],
  [0, 0, 0],
] as const) {
  test(`${passed} passed, ${failed} failed, ${skipped} skipped is a failure`, async (t) => {
    const folder = await makeFolder(t);
    const message = `${passed} of ${cases} cases passed, ${failed} failed, ${skipped} were skipped`;
    await t.throwsAsync(verify(reports(passed, failed, skipped), folder, { kernel: 'wasm' }), { message });
  });
}

test('a command that fails is a failure, with what it said', async (t) => {
  const platform = programmed("console.error('no kernel'); process.exit(2)");
  const answer = verify(platform, await makeFolder(t), { kernel: 'native' });
  await t.throwsAsync(answer, { message: 'verify ended with 2: no kernel' });
});

test('an instruction set is asked for by HEADPOOL_ISA', async (t) => {
  const platform = programmed('console.error(process.env.HEADPOOL_ISA); process.exit(1)');
  const [folder, choice] = [await makeFolder(t), { kernel: 'native', set: 'avx2' }];
  await t.throwsAsync(verify(platform, folder, { ...choice, isAsked: true }), { message: /: avx2$/ });
  await t.throwsAsync(verify(platform, folder, { ...choice, isAsked: false }), { message: /1: $/ });
});

/** A .npy file, as far as its numbers are read. */
function fileOf(...numbers: readonly number[]): Buffer {
  const start = Buffer.alloc(128);
  start.writeUInt16LE(118, 8);
  return Buffer.concat([start, Buffer.from(Float32Array.from(numbers).buffer)]);
}

test('on the same processor other bytes are a failure, on another one only other numbers', (t) => {
  const wanted = [fileOf(1, 2), fileOf(3)];
  t.is(compare([fileOf(1, 2), fileOf(3)], wanted, here), 'a run with the same bytes');
  const near = [fileOf(1, 2), fileOf(3.000_001)];
  t.throws(() => compare(near, wanted, here), { message: /other bytes/ });
  t.is(compare(near, wanted, elsewhere), 'a run within 1e-6');
  for (const far of [[fileOf(1, 2.1)], [fileOf(1, NaN)], [fileOf(1)], [fileOf()]])
    t.throws(() => compare([...far, fileOf(3)], wanted, elsewhere), { message: /differs by/ }, String(far));
});

test('what is missing is named', async (t) => {
  const install = 'npm run test:platforms:install';
  t.is(await findMissing({ ...here, node: '/nowhere/node' }), install);
  const emulated = { ...here, under: ['no-such-emulator'], debianPackages: ['an-emulator'] };
  t.regex((await findMissing(emulated))!, /^apt install an-emulator/);
  const bare = { ...here, needed: '/nowhere/library.so', debianPackages: ['a-library'] };
  t.regex((await findMissing(bare))!, /^apt install a-library/);
});

test('without compilers no addon is built, and each platform says which packages have them', async (t) => {
  const script = fileURLToPath(new URL('tools/build-addons.mjs', packageRoot()));
  const env = { PATH: await makeFolder(t) };
  const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
    execFile(process.execPath, [script], { env }, (error, stdout, stderr) => {
      resolve({ code: error?.code, output: stdout + stderr });
    });
  });
  t.is(code, 1);
  const lines = output.trimEnd().split('\n');
  const packages = lines.map((line) =>
    /^headpool: (\S+): .* not found\): apt install (.+)$/.exec(line)?.slice(1),
  );
  t.deepEqual(packages, [
    ['linux-x64', 'g++'],
    ['linux-arm64', 'clang-14 lld-14 libc6-dev-arm64-cross'],
    ['darwin-x64', 'clang-14 lld-14'],
    ['darwin-arm64', 'clang-14 lld-14'],
    ['win32-x64', 'g++-mingw-w64-x86-64'],
  ]);
});
