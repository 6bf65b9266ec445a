// What Linux tells of another process: its memory and its threads.
import { readFileSync } from 'node:fs';

export interface ProcessFigures {
  readonly residentBytes: number;
  /** The most that was ever resident. */
  readonly peakBytes: number;
  readonly threads: number;
}

/** Undefined where the system doesn't tell. */
export function lookAt(pid: number): ProcessFigures | undefined {
  if (process.platform !== 'linux') return undefined;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)![1]);
  return { residentBytes: 1024 * read('VmRSS'), peakBytes: 1024 * read('VmHWM'), threads: read('Threads') };
}
