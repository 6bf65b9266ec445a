// What `headpool run` prints: the estimate of a dry run, the table at the end.
import type { MultiHeadAttention } from '../attention/multi-head.js';
import type { RunEstimate } from '../batch/estimate.js';
import type { OpenRun } from '../batch/open-run.js';
import type { Settings } from '../config/schemas.js';
import type { EngineInfo } from '../engine/engine.js';
import type { EngineStats } from '../engine/stats.js';
import { formatBytes, formatCount, formatDuration, formatFlop, formatTable } from '../report/table.js';

export interface FinishedRun {
  readonly runs: readonly OpenRun[];
  readonly layer: MultiHeadAttention;
  readonly info: EngineInfo;
  readonly stats: EngineStats;
  readonly sequences: number;
  readonly elapsedMs: number;
}

export function printSummary(
  { runs, layer, info, stats, sequences, elapsedMs }: FinishedRun,
  isJson: boolean,
): void {
  const { tokens, flop, phaseMs } = stats;
  const { heads, kvHeads, headDim, modelDim } = layer;
  const tokensPerSecond = (tokens / elapsedMs) * 1e3;
  const gflopPerSecond = flop / elapsedMs / 1e6;
  const outputs = runs.map(({ request }) => request.output);
  if (isJson) {
    const { kernel, instructionSet, threads, version, node } = info;
    const setup = { kernel, instructionSet, threads, version, node, modelDim, heads, kvHeads, headDim };
    const result = { outputs, sequences, tokens, elapsedMs, tokensPerSecond, flop, gflopPerSecond, phaseMs };
    console.log(JSON.stringify({ ...result, ...setup }));
    return;
  }
  const rows: [string, string][] = [
    ['sequences', formatCount(sequences)],
    ['tokens', formatCount(tokens)],
    [
      'layer',
      `modelDim ${modelDim}, ${heads} heads of ${headDim}${kvHeads === heads ? '' : `, ${kvHeads} key/value heads`}`,
    ],
    ['kernel', `${info.kernel} (${info.instructionSet})`],
    ['threads', String(info.threads)],
    ['elapsed', formatDuration(elapsedMs)],
    ['tokens/s', formatCount(tokensPerSecond)],
    ['GFLOP/s', gflopPerSecond.toFixed(1)],
    ...Object.entries(phaseMs).map(([phase, ms]): [string, string] => [
      `  ${phase}`,
      phaseShare(ms, elapsedMs),
    ]),
    ['  files', phaseShare(elapsedMs - Object.values(phaseMs).reduce((sum, ms) => sum + ms, 0), elapsedMs)],
    ...outputs.map((output): [string, string] => ['output', output]),
  ];
  console.log(formatTable(rows, ['left', 'left']));
}

function phaseShare(ms: number, elapsedMs: number): string {
  return `${formatDuration(ms).padEnd(10)} ${((100 * ms) / elapsedMs).toFixed(0).padStart(3)} %`;
}

export function printEstimate(
  estimates: readonly { readonly run: OpenRun; readonly estimate: RunEstimate }[],
  { heads, kvHeads = heads }: Settings<'run'>,
  isJson: boolean,
): void {
  if (isJson) {
    console.log(
      JSON.stringify(
        estimates.map(({ run, estimate }) => ({
          input: run.query.path,
          output: run.request.output,
          modelDim: run.query.modelDim,
          ...{ heads, kvHeads, ...estimate },
        })),
      ),
    );
    return;
  }
  for (const { run, estimate } of estimates) {
    const { query, key, value, request } = run;
    const weights = request.weights;
    const rows: [string, string][] = [
      [
        'input',
        `${query.path} [${formatCount(estimate.tokens)}, ${query.modelDim}], ${formatCount(query.count)} sequences`,
      ],
      ...(key === query
        ? []
        : [
            ['key', `${key.path} [${formatCount(key.offsets.at(-1)!)}, ${key.modelDim}]`] as [string, string],
          ]),
      ...(value === key
        ? []
        : [
            ['value', `${value.path} [${formatCount(value.offsets.at(-1)!)}, ${value.modelDim}]`] as [
              string,
              string,
            ],
          ]),
      [
        'projections',
        (['query', 'key', 'value', 'output'] as const)
          .map((name) => `${name} [${weights[name].weight.shape.join(', ')}]`)
          .join('  '),
      ],
      ['heads', `${heads}${kvHeads === heads ? '' : `, ${kvHeads} key/value heads`}`],
      ['batches', formatCount(estimate.batches)],
      ['units', formatCount(estimate.units)],
      ['work', formatFlop(estimate.flop)],
      ['memory', `${formatBytes(estimate.memoryBytes)} besides the process itself`],
      [
        'output',
        `${request.output} [${formatCount(estimate.tokens)}, ${weights.output.weight.shape[0] ?? 0}]; nothing was computed or written`,
      ],
    ];
    console.log(formatTable(rows, ['left', 'left']));
  }
}
