// What the device can do at best: multiply-adds, and reading memory.
import type { ReadWork } from '../../../../src/core/protocol/work.js';
import { unitWords } from '../../../../src/core/protocol/tables.js';
import type { Program, Scratch } from '../dispatch.js';
import { foldGroups } from '../groups.js';
import {
  flopPerRound,
  measureThreads,
  multiplyAddShader,
  multiplyAddUniform,
  readShader,
  readUniform,
} from '../measure.js';
import { BindingLimit, blocksOf, largest, type BindingLimits } from './binding-limit.js';

// Enough for the largest devices; those of a smaller one take turns.
const workgroups = 2048;

/** FLOP of a workgroup in one round of its loop. */
export const flopPerWorkgroupRound = flopPerRound * measureThreads;

/** The rounds are shared out among the workgroups. */
export function peakProgram(units: Int32Array): Program {
  let rounds = 0;
  for (let at = 0; at < units.length; at += unitWords) rounds += units[at]!;
  const groups = Math.min(rounds, workgroups);
  return {
    dispatches: [
      {
        shader: multiplyAddShader(),
        uniform: multiplyAddUniform(Math.round(rounds / groups)),
        bound: [{ kind: 'scratch', byteLength: 4 * groups * measureThreads }],
        groups: foldGroups(groups),
      },
    ],
  };
}

/** A region in parts that a binding holds, one after the other. */
export function readProgram({ region }: ReadWork, { limits }: { readonly limits: BindingLimits }): Program {
  const limit = new BindingLimit(limits);
  const floats = region.byteLength / 4;
  const most = largest(Math.ceil(floats / 64), (count) => limit.holdsStretch(region, 64 * count));
  if (most === 0) throw limit.refusal('what is read', 256);
  const groups = Math.min(workgroups, Math.ceil(floats / 4 / measureThreads));
  const sums: Scratch = { kind: 'scratch', byteLength: 4 * groups };
  return {
    dispatches: blocksOf(floats, 64 * most).map(([first, end]) => ({
      shader: readShader(),
      uniform: readUniform(end - first - ((end - first) % 4)),
      bound: [limit.windowOf({ of: region, first, end }).bound, sums],
      groups: foldGroups(groups),
    })),
  };
}
