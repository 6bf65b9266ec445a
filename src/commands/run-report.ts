// What a finished run has to say: for the screen, for `--json` and for `--report`.
import type { MultiHeadAttention } from '../engine/multi-head-attention.js';
import type { Failure } from '../runs/chunks.js';
import type { Journal } from '../runs/journal.js';
import type { RunState } from '../runs/manifest.js';
import { countStates } from './file-states.js';
import type { RunReport } from './outputs/run-output.js';
import type { NonFiniteCounts } from '../runs/non-finite.js';
import type { RunRequest } from '../runs/request.js';
import type { VerifiedOutputs } from '../runs/verify-outputs.js';
import { formatChecksum } from '../files/file-checksum.js';
import type { EngineInfo } from '../engine/engine.js';
import type { EngineStats } from '../engine/stats.js';

export interface FinishedRun {
  readonly request: RunRequest;
  readonly journal: Pick<Journal, 'state' | 'files' | 'run'>;
  readonly layer: MultiHeadAttention;
  readonly info: EngineInfo;
  readonly stats: EngineStats;
  readonly elapsedMs: number;
  /** What an earlier run had done. */
  readonly resumed: { readonly sequences: number; readonly tokens: number };
  readonly verified: VerifiedOutputs | undefined;
}

export function reportOf(run: FinishedRun): RunReport {
  const { request, journal, layer, info, stats, elapsedMs, resumed, verified = null } = run;
  const { state, files } = journal;
  const { kernel, instructionSet, threads, version, node } = info;
  const { modelDim, heads, kvHeads, headDim } = layer;
  const { flop, phaseMs } = stats;
  return {
    format: 1,
    outputs: request.targets.flatMap(({ path }, target) => (isWritten(state, target) ? [path] : [])),
    inputs: request.inputs.map((_, input) => describeInput(input, request, journal)),
    leftOut: request.leftOut ?? [],
    found: countStates(files),
    gone: files.flatMap(({ state: found, input, output }) => (found === 'gone' ? [{ input, output }] : [])),
    sequences: state.sequences,
    tokens: state.tokens,
    resumedSequences: resumed.sequences,
    nonFinite: sumNonFinite(state),
    failures: state.failures.map((failure) => describeFailure(failure, request)),
    elapsedMs,
    tokensPerSecond: ((state.tokens - resumed.tokens) / elapsedMs) * 1e3,
    flop,
    gflopPerSecond: flop / elapsedMs / 1e6,
    phaseMs,
    verified,
    ...{ kernel, instructionSet, threads, version, node, modelDim, heads, kvHeads, headDim },
  };
}

function describeInput(
  number: number,
  { inputs, targets }: RunRequest,
  { state, files, run }: FinishedRun['journal'],
): RunReport['inputs'][number] {
  const { path: input, target } = inputs[number]!;
  const { sequences, tokens, nonFinite, checksum } = state.inputs[number]!;
  const { version, kernel } = run.outputs[target]!;
  return {
    input,
    output: isWritten(state, target) ? targets[target]!.path : null,
    ...{ sequences, tokens, nonFinite, version, kernel },
    checksum: checksum === undefined ? null : formatChecksum(checksum),
    found: files[number]!.state,
  };
}

function sumNonFinite({ inputs }: RunState): NonFiniteCounts {
  const sum = (name: keyof NonFiniteCounts): number => {
    return inputs.reduce((total, { nonFinite }) => total + nonFinite[name], 0);
  };
  return { numbers: sum('numbers'), sequences: sum('sequences') };
}

function isWritten(state: RunState, target: number): boolean {
  return state.finishOf(target) !== undefined;
}

function describeFailure(
  { input, sequence, message }: Failure,
  { inputs }: RunRequest,
): RunReport['failures'][number] {
  return { input: inputs[input]!.path, sequence: sequence ?? null, message };
}
