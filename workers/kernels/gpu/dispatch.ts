// What a phase becomes on a device: programs to dispatch one after the other, and what they read and write. Types only.
import type { TakenPhase } from '../kernel.js';
import type { Region } from '../../../src/core/tensor/region.js';
import type { AdapterLimits } from '../../../src/core/protocol/kernels.js';
import type { RegionViews } from '../../../src/core/tensor/region.js';
import type { Shader } from './shader.js';

/**
 * What is bound. A region of the host is uploaded once a job before it is read, and read back once after it was written;
 * a region of the device stays there.
 */
export type Bound = Region | Table | Scratch | Part;

/** Numbers that the host has made for a dispatch. */
export interface Table {
  readonly kind: 'table';
  readonly bytes: Uint8Array;
}

/** Memory of the device between the dispatches of a job; dispatches that name the same object share it. */
export interface Scratch {
  readonly kind: 'scratch';
  readonly byteLength: number;
}

/** Bytes of a larger operand, from a multiple of 256 on. */
export interface Part {
  readonly kind: 'part';
  readonly of: Region | Scratch;
  readonly byteOffset: number;
  readonly byteLength: number;
}

export interface Dispatch {
  readonly shader: Shader;
  /** The uniform block. */
  readonly uniform: ArrayBuffer;
  /** What is bound from binding 1 on. */
  readonly bound: readonly Bound[];
  readonly groups: readonly [number, number, number];
}

/** A phase on the device. */
export interface Program {
  readonly dispatches: readonly Dispatch[];
  /** Numbers that the host has made for regions of the device. */
  readonly stores?: readonly HostMade[];
  /** The same for later phases of the job, which store them in another form. */
  readonly makes?: readonly HostMade[];
  /** What is zeros before the dispatches, which don't write all of it. */
  readonly clears?: readonly (Region | Scratch)[];
  /** What the host makes of numbers that are read back for it. */
  readonly readBacks?: readonly ReadBack[];
}

export interface HostMade {
  readonly to: Region;
  readonly numbers: Float32Array;
}

export interface ReadBack {
  readonly from: Scratch;
  /** From its start; all of it by default. */
  readonly byteLength?: number;
  readonly conclude: (floats: Float32Array) => void;
}

/** What programs are made for. */
export interface ProgramContext {
  /** Of memory of the host. */
  readonly views: RegionViews;
  readonly limits: AdapterLimits;
  /** What earlier phases of the job have made for a region. */
  readonly made: (region: Region) => Float32Array;
}

/** How a kernel makes phases programs. */
export type MakeProgram = (phase: TakenPhase, context: ProgramContext) => Program;
