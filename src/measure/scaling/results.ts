// What a scaling experiment gives: plain JSON, kept in files and drawn as curves. Types only.
import type { KernelName } from '../../core/protocol/kernels.js';
import type { Machine } from '../machine.js';
import type { Interval, Summary } from '../statistics.js';

export const scalingFormat = 1;

/** strong: the same work on more workers; weak: as much more work as there are more workers. */
export const scalingKinds = ['strong', 'weak'] as const;
export type ScalingKind = (typeof scalingKinds)[number];

/** What the work can be cut along: everything else is too small to be cut. */
export const scalingAxes = ['heads', 'sequences', 'queries'] as const;
export type ScalingAxis = (typeof scalingAxes)[number];

/** The work of one point: a self-attention layer. */
export interface ScalingWork {
  readonly modelDim: number;
  readonly heads: number;
  readonly tokens: number;
  readonly batch: number;
  readonly flop: number;
}

export interface ScalingPoint {
  readonly workers: number;
  readonly work: ScalingWork;
  /** Milliseconds of a call. */
  readonly ms: Summary;
  readonly interval: Interval;
  /** Work a second against one worker's, of pairs measured in turn. */
  readonly speedUp: number;
  readonly speedUpInterval: Interval;
  /** speedUp / workers. */
  readonly efficiency: number;
  /** How many times faster so many workers run nothing but multiply-adds. */
  readonly peakSpeedUp: number;
  /** speedUp / peakSpeedUp: what is lost to the work and not to the machine. */
  readonly peakEfficiency: number;
  /** Milliseconds of a call in each phase, the slowest worker's. */
  readonly phaseMs: Readonly<Record<string, number>>;
  /** Milliseconds of a call between the call and its first phase, and between its last phase and its result. */
  readonly dispatchMs: number;
  /** Mean share of the workers' time in which they had no unit, 0 … 1, as the simulation of the plan tells it. */
  readonly waitShare: number;
}

/** A point that was computed and not measured: the real plan on simulated workers. */
export interface PredictedPoint {
  readonly workers: number;
  readonly ms: number;
  readonly speedUp: number;
  /** Whether the machine has no so many processors, so that nobody could check it. */
  readonly isBeyondMachine: boolean;
}

/** speedUp(n) = 1 / (serial + (1 - serial) / n) (Amdahl, 1967). */
export interface AmdahlFit {
  readonly serial: number;
  /** Root mean square of the relative deviations. */
  readonly deviation: number;
}

/** speedUp(n) = n / (1 + contention (n - 1) + coherence n (n - 1)) (Gunther, 1993). */
export interface UniversalFit {
  readonly contention: number;
  readonly coherence: number;
  /** Workers at which more of them begin to cost; null if there are none. */
  readonly peakWorkers: number | null;
  readonly deviation: number;
}

export interface ScalingCurve {
  readonly kind: ScalingKind;
  readonly axis: ScalingAxis;
  /** In order of workers, from 1. */
  readonly points: readonly ScalingPoint[];
  readonly predicted: readonly PredictedPoint[];
  /** Largest relative deviation of the predicted from the measured points. */
  readonly predictionError: number;
  /** Null with fewer than two points. */
  readonly amdahl: AmdahlFit | null;
  /** Null with fewer than three points. */
  readonly universal: UniversalFit | null;
}

export interface ScalingResults {
  readonly benchmark: 'scaling';
  readonly format: typeof scalingFormat;
  readonly title: string;
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly elapsedMs: number;
  readonly machine: Machine;
  readonly kernel: KernelName;
  readonly instructionSet: string;
  /** FLOP a second of nothing but multiply-adds, by number of workers from 1. */
  readonly peaks: readonly number[];
  readonly curves: readonly ScalingCurve[];
}
