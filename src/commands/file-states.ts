// What was found of files when a run began, in words and figures.
import { fileStates, type FileState } from '../runs/find-kept.js';
import type { SurveyedFile } from '../runs/survey.js';
import { formatCount } from '../page/figures.js';

export type StateCounts = Readonly<Record<FileState, number>>;

export function countStates(files: readonly SurveyedFile[]): StateCounts {
  const counts = Object.fromEntries(fileStates.map((state) => [state, 0])) as Record<FileState, number>;
  for (const { state } of files) counts[state]++;
  return counts;
}

/** Such as "198 done, 1 new, 1 changed": those that there are. */
export function formatStates(counts: StateCounts): string {
  const present = fileStates.filter((state) => counts[state] > 0);
  return present.map((state) => `${formatCount(counts[state])} ${state}`).join(', ');
}
