// What a finished run has to say: for the screen, for `--json` and for `--report`.
import type { MultiHeadAttention } from '../engine/multi-head-attention.js';
import type { Failure } from '../runs/chunks.js';
import type { RunState } from '../runs/manifest.js';
import type { RunRequest } from '../runs/request.js';
import type { VerifiedOutputs } from '../runs/verify-outputs.js';
import type { EngineInfo } from '../engine/engine.js';
import type { EngineStats } from '../engine/stats.js';

export interface FinishedRun {
  readonly request: RunRequest;
  readonly state: RunState;
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

export interface ReportedFailure {
  readonly input: string;
  /** Its number in the input, from 0; null for the whole input. */
  readonly sequence: number | null;
  readonly message: string;
}

export function reportOf(run: FinishedRun): RunReport {
  const { request, state, layer, info, stats, elapsedMs, resumed, verified = null } = run;
  const { kernel, instructionSet, threads, version, node } = info;
  const { modelDim, heads, kvHeads, headDim } = layer;
  const { flop, phaseMs } = stats;
  return {
    outputs: request.targets.flatMap(({ path }, target) => (isWritten(state, target) ? [path] : [])),
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

function isWritten(state: RunState, target: number): boolean {
  return state.finishOf(target) !== undefined;
}

function describeFailure({ input, sequence, message }: Failure, { inputs }: RunRequest): ReportedFailure {
  return { input: inputs[input]!.path, sequence: sequence ?? null, message };
}
