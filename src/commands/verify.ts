// `headpool verify`: runs conformance suites on the kernels of this machine and reports what passed.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import { kernelNames, type KernelName } from '../core/protocol/kernels.js';
import { runSuite, type CaseResult } from '../conformance/run-suite.js';
import { casesFileName, readSuite, type Suite } from '../conformance/suite.js';
import { createEngine, type Engine } from '../engine/engine.js';
import { expected } from '../core/errors.js';

interface VerifyArgs {
  readonly dirs: string[];
  readonly kernel: 'auto' | KernelName | undefined;
  readonly threads: number | undefined;
  readonly json: boolean;
}

export const verifyCommand: CommandModule<object, VerifyArgs> = {
  command: 'verify <dirs..>',
  describe: 'Run conformance suites and compare every output with its expected numbers',
  builder: (yargs) =>
    yargs
      .positional('dirs', {
        describe: `Folders with a ${casesFileName}, at least one; plain files among them are ignored`,
        type: 'string',
        array: true,
        demandOption: true,
      })
      .option('kernel', {
        describe: 'Kernel to verify [default: every one that can run here]',
        choices: ['auto', ...kernelNames] as const,
      })
      .option('threads', { describe: 'Worker threads [default: one a processor]', type: 'number' })
      .option('json', { describe: 'Print one JSON object', type: 'boolean', default: false })
      .example('$0 verify test/conformance/*', 'every suite on every kernel'),
  handler: async (args) => {
    const { folders, ignored } = await sortPaths(args.dirs);
    for (const path of ignored) console.error(`ignored ${path}: not a folder`);
    const suites: Suite[] = [];
    for (const folder of folders) suites.push(await readSuite(folder));

    const reports: SuiteReport[] = [];
    let unavailable: Engine['info']['unavailable'] = [];
    for await (const engine of openEngines(args)) {
      ({ unavailable } = engine.info);
      for (const suite of suites) {
        const report = await verifySuite(suite, engine);
        reports.push(report);
        if (!args.json) console.log(formatReport(report));
      }
    }
    const missing = args.kernel === undefined ? unavailable : [];
    for (const { name } of missing) {
      for (const suite of suites) {
        const report = skipSuite(suite, name);
        reports.push(report);
        if (!args.json) console.log(formatReport(report));
      }
    }
    const totals = addCounts(reports);
    if (args.json) {
      console.log(JSON.stringify({ suites: reports, unavailable, ignored, ...totals }, null, 2));
    } else {
      for (const { name, reason } of unavailable) console.log(`${name} can't run here: ${reason}`);
      console.log(formatCounts(totals));
    }
    process.exitCode = totals.failed === 0 ? 0 : 1;
  },
};

/** Shells expand `test/conformance/*` to its README too. @throws INVALID_OPTION if there is no suite at a path */
async function sortPaths(paths: readonly string[]): Promise<{ folders: string[]; ignored: string[] }> {
  const folders: string[] = [];
  const ignored: string[] = [];
  for (const path of paths) {
    const kind = await stat(path).catch(() => undefined);
    if (kind === undefined) throw expected('INVALID_OPTION', 'an existing folder', 'dirs', path);
    if (!kind.isDirectory()) {
      ignored.push(path);
    } else if (await stat(join(path, casesFileName)).catch(() => undefined)) {
      folders.push(path);
    } else {
      throw expected('INVALID_OPTION', `a folder with a ${casesFileName}`, 'dirs', path);
    }
  }
  if (folders.length === 0) throw expected('INVALID_OPTION', 'at least one folder', 'dirs', paths);
  return { folders, ignored };
}

/** An engine for each kernel to verify, open until the next one is asked for. */
async function* openEngines({ kernel, threads }: VerifyArgs): AsyncGenerator<Engine, void> {
  const shared = threads === undefined ? {} : { threads };
  const rest = new Set<KernelName>(kernel === undefined ? kernelNames : []);
  let next: 'auto' | KernelName | undefined = kernel ?? 'auto';
  while (next !== undefined) {
    await using engine = await createEngine({ ...shared, kernel: next });
    yield engine;
    for (const name of [engine.info.kernel, ...engine.info.unavailable.map((probe) => probe.name)])
      rest.delete(name);
    [next] = rest;
  }
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Cases of a kernel that can't run here. */
  readonly skipped: number;
}

interface SuiteReport extends Counts {
  readonly suite: string;
  readonly kernel: KernelName;
  readonly cases: readonly CaseResult[];
}

async function verifySuite(suite: Suite, engine: Engine): Promise<SuiteReport> {
  const cases: CaseResult[] = [];
  for await (const result of runSuite(suite, engine)) cases.push(result);
  const passed = cases.filter(({ status }) => status === 'passed').length;
  const counts = { passed, failed: cases.length - passed, skipped: 0 };
  return { suite: suite.name, kernel: engine.info.kernel, ...counts, cases };
}

function skipSuite(suite: Suite, kernel: KernelName): SuiteReport {
  return { suite: suite.name, kernel, passed: 0, failed: 0, skipped: suite.cases.length, cases: [] };
}

function addCounts(reports: readonly Counts[]): Counts {
  const add = (name: keyof Counts): number => reports.reduce((sum, report) => sum + report[name], 0);
  return { passed: add('passed'), failed: add('failed'), skipped: add('skipped') };
}

/** The counts, and the failed cases. */
function formatReport(report: SuiteReport): string {
  const failed = report.cases.flatMap((result) =>
    result.status === 'failed' ? [`  failed ${result.name}: ${result.message}`] : [],
  );
  return [`${report.suite} on ${report.kernel}: ${formatCounts(report)}`, ...failed].join('\n');
}

function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
