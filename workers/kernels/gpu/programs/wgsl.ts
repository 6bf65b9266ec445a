// The fast kernels: what each kind of work is in shaders of ours.
import type { Program, ProgramContext } from '../dispatch.js';
import type { TakenPhase } from '../../kernel.js';
import { attendProgram } from './attend.js';
import { contributeProgram } from './contribute.js';
import { gatherProgram } from './gather.js';
import { peakProgram, readProgram } from './measure.js';
import { gramProgram, packProgram } from './pack.js';
import { projectProgram } from './project.js';
import { rotateProgram } from './rotate.js';

export function wgslProgram({ work, units, entries }: TakenPhase, context: ProgramContext): Program {
  switch (work.kind) {
    case 'pack':
      return packProgram(work, context);
    case 'gram':
      return gramProgram(work, context);
    case 'project':
      return projectProgram(work, units, context);
    case 'gather':
      return gatherProgram(work, entries, context);
    case 'rotate':
      return rotateProgram(work, units, entries, context);
    case 'attend':
    case 'decode':
      return attendProgram(work, units, entries, context);
    case 'merge':
      // All keys of a row are attended by one workgroup, so that nothing is split.
      return { dispatches: [] };
    case 'contribute':
      return contributeProgram(work, entries, context);
    case 'peak':
      return peakProgram(units);
    case 'read':
      return readProgram(work, context);
    case 'append':
      throw new TypeError('Caches are refused before a call comes here');
    default:
      return work satisfies never;
  }
}
