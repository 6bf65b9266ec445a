// What calls ask of a GPU: means of a round, medians of a cell.
import { largestOf } from '../../core/lists.js';
import type { DeviceCounts } from '../../core/protocol/device-counters.js';
import { median } from '../statistics.js';
import type { DeviceUse, Round } from './results.js';

/** What is read of an engine's counts. */
export type DeviceSpent = Pick<DeviceCounts, 'uploadMs' | 'computeMs' | 'readBackMs' | 'peakBufferBytes'>;

interface Spent {
  readonly calls: number;
  readonly device?: DeviceSpent;
}

const times = ['uploadMs', 'computeMs', 'readBackMs'] as const;

/** Of the calls between two moments; nothing where no GPU was asked. */
export function meanUse(before: Spent, after: Spent): { readonly device?: DeviceUse } {
  if (before.device === undefined || after.device === undefined) return {};
  const calls = after.calls - before.calls;
  const [uploadMs, computeMs, readBackMs] = times.map(
    (name) => (after.device![name] - before.device![name]) / calls,
  ) as [number, number, number];
  return { device: { uploadMs, computeMs, readBackMs, bufferBytes: after.device.peakBufferBytes } };
}

export function medianUse(rounds: readonly Round[]): { readonly device?: DeviceUse } {
  const uses = rounds.flatMap(({ device }) => device ?? []);
  if (uses.length === 0) return {};
  const medianOf = (name: (typeof times)[number]): number => median(uses.map((use) => use[name]));
  return {
    device: {
      uploadMs: medianOf('uploadMs'),
      computeMs: medianOf('computeMs'),
      readBackMs: medianOf('readBackMs'),
      bufferBytes: largestOf(uses.map(({ bufferBytes }) => bufferBytes)),
    },
  };
}
