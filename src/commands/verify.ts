// `headpool verify`: runs conformance suites on the kernels of this machine and reports what passed.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import { kernelsOf, type KernelName } from '../core/protocol/kernels.js';
import { runSuite, type CaseResult } from '../conformance/run-suite.js';
import { casesFileName, readSuite, type Suite } from '../conformance/suite.js';
import type { Settings } from '../config/schemas.js';
import { createEngine, type Engine } from '../engine/engine.js';
import { expected } from '../core/errors.js';
import { toOneLine } from '../page/table.js';
import { addFlags, engineOptionsOf, settingsOf, type CommonArgs } from './command.js';
import type { Output } from './outputs/output.js';
import type { verifyOutput } from './outputs/small-outputs.js';
import { print, printJson, printNote, type Piece } from './terminal.js';

export const verifyCommand: CommandModule<object, CommonArgs> = {
  command: 'verify [dirs..]',
  describe: 'Run conformance suites and compare every output with its expected numbers',
  builder: (yargs) =>
    addFlags(yargs, 'verify').example('$0 verify test/conformance/*', 'every suite on every kernel'),
  handler: async (args) => {
    const settings = await settingsOf('verify', args);
    const isJson = args.json === true;
    const { folders, ignored } = await sortPaths(settings.dirs);
    for (const { path, reason } of ignored) printNote(toOneLine(`ignored ${path}: ${reason}`));
    const suites: Suite[] = [];
    for (const folder of folders) suites.push(await readSuite(folder));

    const reports: SuiteReport[] = [];
    const add = (report: SuiteReport): void => {
      reports.push(report);
      if (!isJson) printReport(report);
    };
    let unavailable: Engine['info']['unavailable'] = [];
    for await (const engine of openEngines(settings)) {
      ({ unavailable } = engine.info);
      for (const suite of suites) add(await verifySuite(suite, engine));
    }
    const missing = settings.kernel === undefined ? unavailable : [];
    for (const { name } of missing) for (const suite of suites) add(skipSuite(suite, name));
    const totals = addCounts(reports);
    if (isJson) {
      const output: Output<typeof verifyOutput> = {
        ...{ format: 1, suites: reports, unavailable, ignored: ignored.map(({ path }) => path), ...totals },
      };
      printJson(output);
    } else {
      for (const { name, reason } of unavailable) print(`${name} can't run here: ${reason}`);
      print(formatCounts(totals));
    }
    process.exitCode = totals.failed === 0 ? 0 : 1;
  },
};

interface Ignored {
  readonly path: string;
  readonly reason: string;
}

/**
 * Shells expand `test/conformance/*` to what is no suite too.
 * @throws INVALID_OPTION if a path leads nowhere, or there is no suite at any
 */
async function sortPaths(paths: readonly string[]): Promise<{ folders: string[]; ignored: Ignored[] }> {
  const folders: string[] = [];
  const ignored: Ignored[] = [];
  for (const path of paths) {
    const kind = await stat(path).catch(() => undefined);
    if (kind === undefined) throw expected('INVALID_OPTION', 'an existing folder', 'dirs', path);
    if (!kind.isDirectory()) {
      ignored.push({ path, reason: 'not a folder' });
    } else if (await stat(join(path, casesFileName)).catch(() => undefined)) {
      folders.push(path);
    } else {
      ignored.push({ path, reason: `no ${casesFileName} in it` });
    }
  }
  if (folders.length > 0) return { folders, ignored };
  throw expected('INVALID_OPTION', `at least one folder with a ${casesFileName}`, 'dirs', paths);
}

/** An engine for each kernel to verify, open until the next one is asked for. */
async function* openEngines(settings: Settings<'verify'>): AsyncGenerator<Engine, void> {
  const { kernel, device } = settings;
  // The plain kernels of a GPU are for reading, and slow.
  const isEvery = kernel === undefined && device === 'cpu';
  const rest = new Set<KernelName>(isEvery ? kernelsOf.cpu : []);
  let next: 'auto' | KernelName | undefined = kernel ?? 'auto';
  while (next !== undefined) {
    await using engine = await createEngine(engineOptionsOf({ ...settings, kernel: next }));
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
function printReport(report: SuiteReport): void {
  print([`${report.suite} on ${report.kernel}: `, ...formatCounts(report)]);
  for (const result of report.cases) {
    if (result.status === 'failed') print(['  ', failedWord, ` ${result.name}: ${result.message}`]);
  }
}

const failedWord: Piece = { style: 'red', text: 'failed' };

function formatCounts({ passed, failed, skipped }: Counts): Piece[] {
  const passedWord: Piece = failed === 0 && passed > 0 ? { style: 'green', text: 'passed' } : 'passed';
  return [
    `${passed} `,
    passedWord,
    `, ${failed} `,
    failed > 0 ? failedWord : 'failed',
    `, ${skipped} skipped`,
  ];
}
