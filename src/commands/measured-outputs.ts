// The files that a measurement leaves, for every command that measures: what would keep them from being written is found
// before anything is measured, and each is complete or not there at the end.
import { dirname, extname, join, resolve } from 'node:path';
import { expected } from '../core/errors.js';
import { makeFolder, prepareOutputs } from '../files/prepare-outputs.js';
import { refuseClashes, type WrittenPath } from '../files/refuse-clashes.js';
import { writeText } from '../files/write-text.js';
import type { Comparison } from '../measure/grid/compare.js';
import type { GridResults } from '../measure/grid/results.js';
import type { ScalingResults } from '../measure/scaling/results.js';

export interface OutputPaths {
  readonly output?: string | undefined;
  readonly csv?: string | undefined;
  readonly html?: string | undefined;
  /** A folder. */
  readonly svg?: string | undefined;
}

/**
 * Makes folders where there are none.
 * @param read files that the command reads
 * @throws FILE_FAILED, INVALID_OPTION
 */
export async function prepareMeasured(
  { svg, ...files }: OutputPaths,
  read: readonly (string | undefined)[],
): Promise<void> {
  const written = Object.entries({ output: files.output, csv: files.csv, html: files.html }).flatMap(
    ([option, path]): WrittenPath[] => (path === undefined ? [] : [{ path, option }]),
  );
  const folder = svg === undefined ? [] : [{ path: svg, option: 'svg' }];
  await refuseClashes(
    [...written, ...folder],
    read.filter((path) => path !== undefined),
  );
  if (svg !== undefined) {
    for (const { path, option } of written) refuseAmongCharts(path, option, svg);
    // Made like the name of a chart, which only the results tell.
    await prepareOutputs([join(svg, 'chart.svg')]);
  }
  await prepareOutputs(written.map(({ path }) => path));
}

/** @throws FILE_FAILED */
export async function writeMeasured<Results extends GridResults | ScalingResults | Comparison>(
  results: Results,
  { output, csv, html, svg }: OutputPaths,
  formatCsv: (results: Results) => string,
): Promise<void> {
  if (output !== undefined) await writeJson(output, results);
  if (csv !== undefined) await writeText(csv, formatCsv(results));
  // Pages and charts are loaded when asked for: most runs want none.
  if (html !== undefined) {
    const { formatPage } = await import('../measure/report/page.js');
    await writeText(html, formatPage(results));
  }
  if (svg !== undefined) {
    const { formatCharts } = await import('../measure/report/charts.js');
    await makeFolder(svg);
    for (const [name, chart] of formatCharts(results)) await writeText(join(svg, `${name}.svg`), chart);
  }
}

/** @throws FILE_FAILED */
export async function writeJson(path: string, results: object): Promise<void> {
  await writeText(path, `${JSON.stringify(results, null, 2)}\n`);
}

/** @throws INVALID_OPTION if a chart might have the same name */
function refuseAmongCharts(path: string, option: string, svg: string): void {
  if (dirname(resolve(path)) !== resolve(svg) || extname(path).toLowerCase() !== '.svg') return;
  throw expected('INVALID_OPTION', 'a file that is none of the charts of `svg`', option, path);
}
