// What a finished run has to say: for the screen, for `--json` and for `--report`.
import type { MultiHeadAttention } from '../engine/multi-head-attention.js';
import type { Failure } from '../runs/chunks.js';
import type { Journal } from '../runs/journal.js';
import type { RunState } from '../runs/manifest.js';
import { countStates, type StateCounts } from './file-states.js';
import type { RunRequest } from '../runs/request.js';
import type { VerifiedOutputs } from '../runs/verify-outputs.js';
import { formatChecksum } from '../files/file-checksum.js';
import type { LeftOut } from '../files/list-folder.js';
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

/** Plain JSON. */
export interface RunReport {
  readonly outputs: readonly string[];
  readonly inputs: readonly ReportedInput[];
  /** What was found where inputs were looked for, and is none. */
  readonly leftOut: readonly LeftOut[];
  /** How many files were in which state when the run began. */
  readonly found: StateCounts;
  /** Inputs of earlier runs that are no longer there, and their outputs, which are. */
  readonly gone: readonly Pick<ReportedInput, 'input' | 'output'>[];
  /** All of them, those of earlier runs included. */
  readonly sequences: number;
  readonly tokens: number;
  readonly resumedSequences: number;
  readonly failures: readonly ReportedFailure[];
  readonly elapsedMs: number;
  /** Of this run alone, like the figures below. */
  readonly tokensPerSecond: number;
  readonly flop: number;
  readonly gflopPerSecond: number;
  readonly phaseMs: Readonly<Record<string, number>>;
  readonly verified: VerifiedOutputs | null;
  readonly kernel: string;
  readonly instructionSet: string;
  readonly threads: number;
  readonly version: string;
  readonly node: string;
  readonly modelDim: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

export interface ReportedInput {
  readonly input: string;
  /** Null if it was given up. */
  readonly output: string | null;
  /** Of the input that were computed, by whichever run. */
  readonly sequences: number;
  readonly tokens: number;
  /** CRC-32 of the input, 8 hexadecimal digits; null of what is no file, or could not be read to its end. */
  readonly checksum: string | null;
  /** What made the output. */
  readonly version: string;
  readonly kernel: string;
  /** What the run found when it began. */
  readonly found: string;
}

export interface ReportedFailure {
  readonly input: string;
  /** Its number in the input, from 0; null for the whole input. */
  readonly sequence: number | null;
  readonly message: string;
}

export function reportOf(run: FinishedRun): RunReport {
  const { request, journal, layer, info, stats, elapsedMs, resumed, verified = null } = run;
  const { state, files } = journal;
  const { kernel, instructionSet, threads, version, node } = info;
  const { modelDim, heads, kvHeads, headDim } = layer;
  const { flop, phaseMs } = stats;
  return {
    outputs: request.targets.flatMap(({ path }, target) => (isWritten(state, target) ? [path] : [])),
    inputs: request.inputs.map((_, input) => describeInput(input, request, journal)),
    leftOut: request.leftOut ?? [],
    found: countStates(files),
    gone: files.flatMap(({ state: found, input, output }) => (found === 'gone' ? [{ input, output }] : [])),
    sequences: state.sequences,
    tokens: state.tokens,
    resumedSequences: resumed.sequences,
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
): ReportedInput {
  const { path: input, target } = inputs[number]!;
  const { sequences, tokens, checksum } = state.inputs[number]!;
  const { version, kernel } = run.outputs[target]!;
  return {
    input,
    output: isWritten(state, target) ? targets[target]!.path : null,
    ...{ sequences, tokens, version, kernel },
    checksum: checksum === undefined ? null : formatChecksum(checksum),
    found: files[number]!.state,
  };
}

function isWritten(state: RunState, target: number): boolean {
  return state.finishOf(target) !== undefined;
}

function describeFailure({ input, sequence, message }: Failure, { inputs }: RunRequest): ReportedFailure {
  return { input: inputs[input]!.path, sequence: sequence ?? null, message };
}
