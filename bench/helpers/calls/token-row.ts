// One token of a narrow layer: what a call costs before it computes anything to speak of.
import { join } from 'node:path';
import { describeRatios } from '../../../src/measure/pairs.js';
import { progress } from '../outcome.js';
import { askProcess } from './ask-process.js';
import { joinSummaries, type RowGroup } from './row.js';
import type { CallsAnswer, CallsRequest } from './sample-calls.js';
import { controlOf } from './turns.js';

const name = 'one-token';

export const tokenRow: RowGroup = {
  names: [name],
  hasPeer: false,
  measure: async ({ folder, rounds, seconds, threads }) => {
    progress(`${name}: ${rounds} rounds`);
    const request: CallsRequest = {
      work: { modelDim: 64, heads: 4, lengths: [1] },
      ...{ manner: { kind: 'in a row' }, form: null, threads, seconds },
      reference: { path: join(folder, name), isWritten: true },
    };
    const answers: CallsAnswer[] = [];
    while (answers.length < rounds) answers.push(await askProcess<CallsAnswer>('sample-calls', request));
    const costs = answers.map(({ costMs }) => costMs);
    const spread = describeRatios(costs);
    return [
      {
        ...{ name, what: `one token, modelDim 64, ${threads} workers`, unit: 'milliseconds' },
        ...{ found: spread.median, goal: { bar: 0.07, aim: 0.04 }, spread, control: controlOf(costs) },
        ...{ ours: joinSummaries(answers.map(({ latencyMs }) => latencyMs!)), theirs: null },
        engine: answers[0]!.engine!,
      },
    ];
  },
};
