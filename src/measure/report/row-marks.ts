// What rows of measured results are marked by: each word with what it means.
import type { RowMark } from '../../page/table.js';

export const noisy: RowMark = {
  name: 'noisy',
  says: 'the machine was busy with something else: a call timed against itself differs. Points are hollow in charts, figures have a star in maps.',
};

export const unavailable: RowMark = {
  name: 'unavailable',
  says: 'not measured, for the reason in the last column.',
};

export const predicted: RowMark = {
  name: 'predicted',
  says: 'by the simulation of the plan and not measured. Of more workers than this machine has processors, nobody could check it.',
};

export const undecided: RowMark = {
  name: 'undecided',
  says: 'not measured in all files, or in too few rounds to tell.',
};
