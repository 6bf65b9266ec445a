// The instruction sets of the native kernel: each passes the kernel checks in a process of its own, and HEADPOOL_ISA
// picks one or says why it can't.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import {
  chooseInstructionSet,
  loadNativeAddon,
  type InstructionSet,
} from '../../workers/kernels/native/addon.js';
import { addonProblem, hasAddon } from '../helpers/engines.js';
import type { ChildReport } from '../helpers/kernel-child.js';
import { kernelChecks } from '../helpers/kernel-checks.js';
import { testUnless } from '../helpers/skips.js';

const child = fileURLToPath(new URL('../helpers/kernel-child.js', import.meta.url));
const indexUrl = new URL('../../src/index.js', import.meta.url).href;

async function runNode(args: readonly string[], isa: string): Promise<string> {
  const env = { ...process.env, HEADPOOL_ISA: isa };
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, ...args], { env });
  return stdout;
}

const sets = addonProblem === undefined ? listSets() : [];

function listSets(): InstructionSet[] {
  const addon = loadNativeAddon();
  if ('reason' in addon) throw new Error(addon.reason);
  return addon.instructionSets();
}

const runnable = sets.filter(({ reason }) => reason === null).map(({ name }) => name);

for (const { name, title, reason } of sets) {
  if (reason !== null) {
    test(`${name} can't run here, so asking for it is an error`, async (t) => {
      const message = `Expected one of ${runnable.join(', ')} for \`HEADPOOL_ISA\`, got \`"${name}"\` (string): ${reason}`;
      await refusesToStart(t, name, message);
    });
    continue;
  }
  test(`${name} passes the kernel checks, and an engine runs it`, async (t) => {
    const report = JSON.parse(await runNode([child, 'native'], name)) as ChildReport;
    t.is(report.instructionSet, title);
    t.deepEqual(report.ran, [...Object.keys(kernelChecks), 'a whole engine']);
    t.deepEqual(report.problems, []);
  });
}

const needed: Readonly<Record<string, readonly string[]>> = {
  avx512: ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl', 'avx2', 'fma', 'f16c'],
  avx2: ['avx2', 'fma', 'f16c'],
};
const cpuInfo = '/proc/cpuinfo';
const tellsFlags = addonProblem === undefined && process.arch === 'x64' && existsSync(cpuInfo);
testUnless(tellsFlags ? undefined : 'no file tells what the processor has')(
  'the addon finds of the processor what the system does',
  async (t) => {
    const flags = /^flags\s*:(.*)$/m.exec(await readFile(cpuInfo, 'utf8'))![1]!.split(' ');
    const wanted = sets.filter(({ name }) => (needed[name] ?? []).every((flag) => flags.includes(flag)));
    t.deepEqual(
      runnable,
      wanted.map(({ name }) => name),
    );
  },
);

/** Runs a program of ours, where `createEngine` is there, with HEADPOOL_ISA; what it returns. */
async function runProgram(program: string, isa: string, flags: readonly string[] = []): Promise<unknown> {
  const module = `
    import { createEngine } from '${indexUrl}';
    const run = async () => { ${program} };
    console.log(JSON.stringify(await run()));
  `;
  return JSON.parse(await runNode([...flags, '--input-type=module', '--eval', module], isa));
}

const startEach = `
  const start = async (kernel) => {
    const engine = await createEngine({ kernel, threads: 1 });
    await engine.close();
    return engine.info;
  };
  const describe = ({ code, message }) => ({ code, message });
  return {
    native: await start('native').catch(describe),
    auto: await start('auto').catch(describe),
    wasm: await start('wasm'),
  };
`;

/** Neither is another kernel taken in silence, nor does it matter to one that was asked for. */
async function refusesToStart(
  t: ExecutionContext,
  isa: string,
  message: string,
  flags?: string[],
): Promise<void> {
  const refused = { code: 'KERNEL_UNAVAILABLE', message };
  const { native, auto, wasm } = (await runProgram(startEach, isa, flags)) as Record<string, unknown>;
  t.deepEqual({ native, auto }, { native: refused, auto: refused });
  t.like(wasm, { kernel: 'wasm', unavailable: [{ name: 'native', reason: message }] });
}

for (const isa of ['sse9', 'avx1024', 'neon2', 'AVX2', 'Baseline']) {
  testUnless(addonProblem)(
    `HEADPOOL_ISA=${isa} is no instruction set, so asking for it is an error`,
    async (t) => {
      const meant = runnable.find((name) => name === isa.toLowerCase());
      const guess = meant === undefined ? '' : `; did you mean \`${meant}\`?`;
      const names = runnable.join(', ');
      await refusesToStart(
        t,
        isa,
        `Expected one of ${names} for \`HEADPOOL_ISA\`, got \`"${isa}"\` (string)${guess}`,
      );
    },
  );
}

test('an instruction set is an error too where no addon can be loaded', async (t) => {
  const forbidden =
    'Node.js was told to load no addons (by --no-addons, or by --permission without --allow-addons)';
  const reason = hasAddon ? forbidden : `there is no addon for ${process.platform}-${process.arch}`;
  await refusesToStart(t, 'baseline', `HEADPOOL_ISA asks for baseline, but ${reason}`, ['--no-addons']);
});

testUnless(addonProblem)('an empty HEADPOOL_ISA asks for nothing', async (t) => {
  const { native, auto } = (await runProgram(startEach, '')) as Record<string, unknown>;
  t.like(auto, { kernel: 'native' });
  t.deepEqual(native, auto);
});

testUnless(addonProblem)(
  'HEADPOOL_ISA is read when an engine is made, not when a worker is replaced',
  async (t) => {
    const { before, after } = (await runProgram(
      `
      const engine = await createEngine({ threads: 1 });
      const x = engine.tensor([1, 1, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
      const compute = async () => [...(await engine.attention({ q: x, k: x, v: x })).output.data];
      const before = await compute();
      process.env.HEADPOOL_ISA = 'sse9';
      await engine.terminateWorker(0);
      const after = await compute();
      await engine.close();
      return { before, after };
    `,
      runnable.at(-1)!,
    )) as Record<string, number[]>;
    t.is(before!.length, 12);
    t.deepEqual(after, before);
  },
);

const fast: InstructionSet = { name: 'fast', title: 'Fast', reason: null };
const plain: InstructionSet = { name: 'plain', title: 'Plain', reason: null };
const lacking: InstructionSet = { ...fast, reason: 'this processor lacks it' };

test('the best instruction set that can run is in use, and the others say why they are not', (t) => {
  t.deepEqual(chooseInstructionSet([fast, plain], undefined), {
    name: 'fast',
    title: 'Fast',
    others: [{ name: 'Plain', reason: 'Fast is faster' }],
  });
  t.deepEqual(chooseInstructionSet([lacking, plain], undefined), {
    name: 'plain',
    title: 'Plain',
    others: [{ name: 'Fast', reason: 'this processor lacks it' }],
  });
  t.deepEqual(chooseInstructionSet([fast, plain], 'plain'), {
    name: 'plain',
    title: 'Plain',
    others: [{ name: 'Fast', reason: 'HEADPOOL_ISA asks for Plain' }],
  });
  t.deepEqual(chooseInstructionSet([lacking, plain], 'fast'), {
    reason: 'Expected one of plain for `HEADPOOL_ISA`, got `"fast"` (string): this processor lacks it',
    isDemand: true,
  });
});
