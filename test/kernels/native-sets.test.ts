// The instruction sets of the native kernel: each passes the kernel checks in a process of its own, and HEADPOOL_ISA
// picks one or says why it can't.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import type { EngineInfo } from '../../src/index.js';
import { chooseInstructionSet, loadAddon, type InstructionSet } from '../../workers/kernels/native/addon.js';
import { addonProblem } from '../helpers/engines.js';
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
  const addon = loadAddon();
  if ('reason' in addon) throw new Error(addon.reason);
  return addon.instructionSets();
}

for (const { name, title, reason } of sets) {
  if (reason !== null) {
    test(`${name} can't run here, which the kernel says`, async (t) => {
      const { native, auto } = await startEngines(name);
      t.deepEqual(native, {
        code: 'KERNEL_UNAVAILABLE',
        message: `No kernel can run here (native: HEADPOOL_ISA asks for ${title}: ${reason})`,
      });
      t.is(auto.kernel, 'wasm');
      t.log(reason);
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

interface Started {
  readonly native: EngineInfo | { readonly code: string; readonly message: string };
  readonly auto: EngineInfo;
}

/** What engines with HEADPOOL_ISA say of themselves, in a process of their own. */
async function startEngines(isa: string): Promise<Started> {
  const program = `
    import { createEngine } from '${indexUrl}';
    const start = async (kernel) => {
      const engine = await createEngine({ kernel, threads: 1 });
      await engine.close();
      return engine.info;
    };
    const native = await start('native').catch(({ code, message }) => ({ code, message }));
    console.log(JSON.stringify({ native, auto: await start('auto') }));
  `;
  return JSON.parse(await runNode(['--input-type=module', '--eval', program], isa)) as Started;
}

const unknownSet =
  'an unknown HEADPOOL_ISA is an error where native was asked for, and a reason where it was not';
testUnless(addonProblem)(unknownSet, async (t) => {
  const { native, auto } = await startEngines('sse9');
  const names = sets.map(({ name }) => name).join(', ');
  const reason = `Expected one of ${names} for HEADPOOL_ISA, got 'sse9'`;
  t.deepEqual(native, { code: 'KERNEL_UNAVAILABLE', message: `No kernel can run here (native: ${reason})` });
  t.like(auto, { kernel: 'wasm', unavailable: [{ name: 'native', reason }] });
});

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
    reason: 'HEADPOOL_ISA asks for Fast: this processor lacks it',
  });
});
