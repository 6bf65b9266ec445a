// One work called in one manner, by turns of processes of ours and of onnxruntime-node in its fastest form.
import { join } from 'node:path';
import { progress } from '../outcome.js';
import { askProcess } from './ask-process.js';
import { formsOf } from './open-onnx.js';
import type { Lab } from './row.js';
import type { CallsAnswer, CallsRequest, Manner } from './sample-calls.js';
import type { Work } from './works.js';

// Long enough to tell forms apart that matter.
const choiceSeconds = 0.5;

export interface Contest {
  /** Of theirs, the fastest. */
  readonly form: string;
  readonly ours: () => Promise<CallsAnswer>;
  readonly theirs: () => Promise<CallsAnswer>;
  /** Where the outputs lie that all processes compare theirs with. */
  readonly referencePath: string;
}

/** Checks our outputs, holds theirs against them in each form, and times the forms. */
export async function openContest(name: string, work: Work, manner: Manner, lab: Lab): Promise<Contest> {
  const { folder, threads, seconds } = lab;
  const path = join(folder, name.replaceAll('/', '-'));
  const request = { work, manner, threads, seconds, reference: { path, isWritten: false } };
  const ask = (changes: Partial<CallsRequest>): Promise<CallsAnswer> =>
    askProcess<CallsAnswer>('sample-calls', { ...request, ...changes });
  progress(`${name}: checks`);
  await ask({ form: null, seconds: choiceSeconds, reference: { path, isWritten: true } });
  let best: { readonly form: string; readonly costMs: number } | undefined;
  for (const form of formsOf(work)) {
    const { costMs } = await ask({ form, seconds: choiceSeconds });
    progress(`  ${form}: ${costMs.toPrecision(3)} ms`);
    if (best === undefined || costMs < best.costMs) best = { form, costMs };
  }
  const { form } = best!;
  return {
    form,
    ours: () => ask({ form: null }),
    theirs: () => ask({ form }),
    referencePath: path,
  };
}
