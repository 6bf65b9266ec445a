// What the device can do at best: multiply-adds, and reading memory.
import type { ReadWork } from '../../../../src/core/protocol/work.js';
import { unitWords } from '../../../../src/core/protocol/tables.js';
import type { Program } from '../dispatch.js';
import { foldGroups } from '../groups.js';
import {
  flopPerRound,
  measureThreads,
  multiplyAddShader,
  multiplyAddUniform,
  readShader,
  readUniform,
} from '../measure.js';

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

export function readProgram({ region }: ReadWork): Program {
  const floats = region.byteLength / 4;
  const groups = Math.min(workgroups, Math.ceil(floats / 4 / measureThreads));
  return {
    dispatches: [
      {
        shader: readShader(),
        uniform: readUniform(floats - (floats % 4)),
        bound: [region, { kind: 'scratch', byteLength: 4 * groups }],
        groups: foldGroups(groups),
      },
    ],
  };
}
