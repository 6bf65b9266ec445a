// All kinds of work that a phase can be.
import type { Region } from '../tensor/region.js';
import type { AttendWork, DecodeWork, MergeWork } from './attention-work.js';
import type { AppendWork, GatherWork, RotateWork } from './head-work.js';
import type { ContributeWork, GramWork, PackWork, ProjectWork } from './layer-work.js';

export type Work =
  | PackWork
  | ProjectWork
  | GatherWork
  | RotateWork
  | AppendWork
  | AttendWork
  | DecodeWork
  | MergeWork
  | GramWork
  | ContributeWork
  | PeakWork
  | ReadWork;

/** Nothing but multiply-adds, to measure the machine. Units: [rounds, -, -, -, -]. */
export interface PeakWork {
  readonly kind: 'peak';
}

/** Nothing but reading memory once, to measure the machine. Units: [first float, floats, -, -, -]. */
export interface ReadWork {
  readonly kind: 'read';
  readonly region: Region;
}
