// What `headpool run --dry-run` says: what an earlier run has left, and what there is to compute.
import { foreseeRun } from '../runs/foresee-run.js';
import type { JournalOptions } from '../runs/journal.js';
import { estimateRun, type EstimatedRun, type RunEstimate } from '../runs/preflight.js';
import type { RunRequest } from '../runs/request.js';
import type { SurveyedFile } from '../runs/survey.js';
import type { LoadedLayer } from '../checkpoints/load-layer.js';
import { formatBytes, formatCount, formatFlop } from '../page/figures.js';
import { formatTable } from '../page/table.js';
import { countStates, formatStates } from './file-states.js';
import { formatDefaults } from './layer-text.js';
import type { Output } from './outputs/output.js';
import type { dryRun } from './outputs/run-output.js';
import { print, printJson } from './terminal.js';
import { formatLeftOut, list, type Row } from './run-summary.js';

interface Foretold {
  readonly layer: LoadedLayer;
  readonly isJson: boolean;
  /** Absent if an earlier run doesn't matter. */
  readonly resuming?: JournalOptions;
}

/** Prints text, or one object of JSON. @throws as the run itself would before it computes */
export async function foretell(
  request: RunRequest,
  plan: Omit<EstimatedRun, 'placeOf'>,
  { layer, isJson, resuming }: Foretold,
): Promise<void> {
  const found = resuming && (await foreseeRun(request, resuming));
  const placeOf: EstimatedRun['placeOf'] = (input) => (found ? found.state.placeOf(input) : { sequence: 0 });
  const estimate = await estimateRun(request, { ...plan, placeOf });
  if (isJson) {
    const { files } = found ?? {};
    const output: Output<typeof dryRun> = {
      ...{ format: 1, ...estimate },
      ...(files && { files, found: countStates(files) }),
    };
    printJson(output);
  } else if (found === undefined) {
    print(formatEstimate(request, estimate, layer));
  } else {
    // What is listed there need not be listed again.
    const rest = formatEstimate({ ...request, inputs: [], targets: [] }, estimate, layer);
    print(`${formatFiles(found.files)}\n\n${rest}`);
  }
}

/** What an earlier run has left, file by file; how many there are of each state. */
function formatFiles(files: readonly SurveyedFile[]): string {
  const rows = files.map(({ input, output, state }): Row => [state, `${input} -> ${output}`]);
  return formatTable([...rows, ['', formatStates(countStates(files))]], ['left', 'left']);
}

function formatEstimate(
  { inputs, targets, key, value, weights, leftOut = [] }: RunRequest,
  estimate: RunEstimate,
  { heads, kvHeads, family, name, defaults }: LoadedLayer,
): string {
  const { sequences, tokens, unknownInputs } = estimate;
  const shapes = (['query', 'key', 'value', 'output'] as const).map((name) => {
    return `${name} [${weights[name].weight.shape.join(', ')}]`;
  });
  const rows: Row[] = [
    ...list(
      'input',
      inputs.map(({ path }) => path),
    ),
    ...list('key', key === undefined ? [] : [key]),
    ...list('value', value === undefined ? [] : [value]),
    ['sequences', `${formatCount(sequences)} of ${formatCount(tokens)} tokens`],
    ...list(
      'unknown',
      unknownInputs.map((path) => `${path} (its lengths are known when it is read)`),
    ),
    ['layer', [family, name, ...formatDefaults(defaults)].filter((part) => part !== '').join(', ')],
    ['projections', shapes.join('  ')],
    ['heads', `${heads}${kvHeads === heads ? '' : `, ${kvHeads} for keys and values`}`],
    ['chunks', formatCount(estimate.chunks)],
    ['units', formatCount(estimate.units)],
    ['work', formatFlop(estimate.flop)],
    ['memory', `${formatBytes(estimate.memoryBytes)} besides the process itself`],
    ...list(
      'output',
      targets.map(({ path }) => path),
    ),
    ...formatLeftOut(leftOut),
    ['', 'nothing was computed or written'],
  ];
  return formatTable(rows, ['left', 'left']);
}
