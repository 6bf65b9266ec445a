// How a benchmark ends: a table and PASS or MISS for each of its bars, or all of it as JSON; exit code 1 for a miss.
import type { EngineInfo } from '../../src/index.js';
import { formatBar, type BarLine } from '../../src/measure/grid/bars.js';
import { describeMachine } from '../../src/measure/machine.js';
import type { Ratio } from '../../src/measure/pairs.js';
import { formatRange, formatRatio } from '../../src/page/figures.js';
import { formatTable } from '../../src/page/table.js';

export interface Outcome {
  readonly benchmark: string;
  /** What computed; the same kernel with other workers is named once. */
  readonly engines: readonly EngineInfo[];
  /** The first row names the columns; the first column is text, the others numbers. */
  readonly table: readonly (readonly string[])[];
  readonly bars: readonly BarLine[];
  /** What a reader must know of the figures. */
  readonly notes?: readonly string[];
  /** The figures themselves, for `--json`. */
  readonly figures: unknown;
}

/** Prints the outcome and sets the exit code. */
export function report(outcome: Outcome, { json }: { readonly json: boolean }): void {
  const machine = describeMachine();
  const { benchmark, engines, table, bars, notes = [], figures } = outcome;
  if (json) {
    console.log(JSON.stringify({ benchmark, machine, engines, figures, notes, bars }, null, 2));
  } else {
    console.log(
      `${benchmark}: ${machine.cpu}, ${machine.parallelism} of ${machine.cores} cores, Node ${machine.node}`,
    );
    console.log(`${[...new Set(engines.map(describeEngine))].join('\n')}\n`);
    const columns = table[0]!.map((_, column) => (column === 0 ? 'left' : 'right'));
    console.log(`${formatTable(table, columns)}\n`);
    for (const note of notes) console.log(`  ${note}`);
    for (const bar of bars) console.log(formatBar(bar));
  }
  if (bars.some(({ isMet }) => !isMet)) process.exitCode = 1;
}

function describeEngine({ version, kernel, instructionSet }: EngineInfo): string {
  return `headpool ${version}: ${kernel} kernel, ${instructionSet}`;
}

/** Progress of a long run, on stderr so that stdout stays what was asked for. */
export function progress(message: string): void {
  console.error(`… ${message}`);
}

/** '1.62x [1.58, 1.66]': the median and its interval. */
export function formatMedian({ median, interval }: Ratio): string {
  return `${formatRatio(median)}x [${formatRange(interval, formatRatio, ', ')}]`;
}

// Such a control says that the machine did something else at the time.
const mostDeviation = 0.1;

/** What a reader must know of ratios that were measured on a busy machine. */
export function noteNoisy(found: readonly { readonly name: string; readonly control: Ratio }[]): string[] {
  const noisy = found.filter(({ control }) => Math.abs(Math.log(control.median)) > Math.log1p(mostDeviation));
  if (noisy.length === 0) return [];
  const names = noisy.map(({ name }) => name).join(', ');
  return [`The control is off by over ${mostDeviation * 100} %, measure again: ${names}`];
}

/** FLOP in so many ms as GFLOP/s. */
export function formatRate(flop: number, ms: number): string {
  return (flop / ms / 1e6).toFixed(1);
}
