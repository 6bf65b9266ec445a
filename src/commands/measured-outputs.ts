// The files that a measurement leaves, for every command that measures: begun before anything is measured, so that a
// path that can't be written is known then, and complete or not there at the end.
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createAtomicFile, type AtomicFile } from '../files/atomic-file.js';
import { attempt } from '../files/attempt.js';
import type { GridResults } from '../measure/grid/results.js';
import type { ScalingResults } from '../measure/scaling/results.js';

export interface OutputPaths {
  readonly output?: string | undefined;
  readonly csv?: string | undefined;
  readonly html?: string | undefined;
  /** A folder. */
  readonly svg?: string | undefined;
}

export interface MeasuredOutputs<Results> {
  /** @throws FILE_FAILED */
  write(results: Results): Promise<void>;
  /** Leaves no file behind that was not written. */
  discard(): Promise<void>;
}

interface OpenOutput<Results> {
  readonly file: AtomicFile;
  readonly format: (results: Results) => string | Promise<string>;
}

/** Makes folders where there are none. @throws FILE_FAILED */
export async function openOutputs<Results extends GridResults | ScalingResults>(
  { output, csv, html, svg }: OutputPaths,
  formatCsv: (results: Results) => string,
): Promise<MeasuredOutputs<Results>> {
  const open: OpenOutput<Results>[] = [];
  const discard = async (): Promise<void> => {
    for (const { file } of open) await file.discard();
  };
  const add = async (path: string | undefined, format: OpenOutput<Results>['format']): Promise<void> => {
    if (path === undefined) return;
    await makeFolder(dirname(path));
    open.push({ file: await createAtomicFile(path), format });
  };
  try {
    if (svg !== undefined) await makeFolder(svg);
    await add(output, (results) => `${JSON.stringify(results, null, 2)}\n`);
    await add(csv, formatCsv);
    await add(html, formatHtml);
  } catch (error) {
    await discard();
    throw error;
  }
  return {
    discard,
    write: async (results) => {
      for (const { file, format } of open) await writeText(file, await format(results));
      if (svg !== undefined) await writeCharts(svg, results);
    },
  };
}

// Pages and charts are loaded when asked for: most runs want none.
async function formatHtml(results: GridResults | ScalingResults): Promise<string> {
  const { formatPage } = await import('../measure/report/page.js');
  return formatPage(results);
}

async function writeCharts(folder: string, results: GridResults | ScalingResults): Promise<void> {
  const { formatCharts } = await import('../measure/report/charts.js');
  for (const [name, svg] of formatCharts(results)) {
    const file = await createAtomicFile(join(folder, `${name}.svg`));
    try {
      await writeText(file, svg);
    } finally {
      await file.discard();
    }
  }
}

async function writeText(file: AtomicFile, text: string): Promise<void> {
  await file.write(Buffer.from(text), 0);
  await file.commit();
}

async function makeFolder(path: string): Promise<void> {
  await attempt(path, 'create the folder', () => mkdir(path, { recursive: true }));
}
