// Rows of a short call now and then beside an endless row of large ones.
import { describeRatios, lessDeviation } from '../../../src/measure/pairs.js';
import { median, percentile, summarise } from '../../../src/measure/statistics.js';
import { formatCount } from '../../../src/page/figures.js';
import { progress } from '../outcome.js';
import { askProcess } from './ask-process.js';
import { formatMilliseconds, type Row, type RowGroup } from './row.js';
import type { BesideAnswer, BesideRequest } from './sample-beside.js';
import { controlOf } from './turns.js';

const latencyRow = 'beside-latency';
const throughputRow = 'beside-throughput';
const [barUnits, aimUnits] = [4, 2];

export const besideRows: RowGroup = {
  names: [latencyRow, throughputRow],
  hasPeer: false,
  measure: async ({ rounds, seconds, threads }) => {
    progress(`beside: ${rounds} rounds`);
    const request: BesideRequest = {
      ...{ modelDim: 512, heads: 8, smallTokens: 32, largeTokens: 8192, pauseMs: 5, threads, seconds },
    };
    const answers: BesideAnswer[] = [];
    while (answers.length < rounds) answers.push(await askProcess<BesideAnswer>('sample-beside', request));
    const aloneMs = median(answers.flatMap((answer) => answer.aloneMs));
    const unitMs = median(answers.map((answer) => answer.longestUnitMs));
    const latencies = answers.flatMap(({ besideMs }) => besideMs);
    const shares = describeRatios(
      answers.map(({ largeAloneMs, largeBesideMs }) => largeAloneMs / largeBesideMs),
    );
    const largeControl = controlOf(answers.map(({ largeAloneMs }) => largeAloneMs));
    const { smallTokens, largeTokens, pauseMs } = request;
    const what = `512/8, T = ${smallTokens}, ${pauseMs} ms after the last, beside T = ${formatCount(largeTokens)}`;
    const common = { theirs: null, engine: answers[0]!.engine };
    return [
      {
        name: latencyRow,
        what: `${what}: p99 (alone ${formatMilliseconds(aloneMs)}, longest unit ${formatMilliseconds(unitMs)})`,
        unit: 'milliseconds',
        found: percentile(latencies, 0.99),
        goal: { bar: aloneMs + barUnits * unitMs, aim: aloneMs + aimUnits * unitMs },
        spread: describeRatios(answers.map(({ besideMs }) => percentile(besideMs, 0.99))),
        control: controlOf(answers.map((answer) => median(answer.aloneMs))),
        ...{ ours: summarise(latencies), ...common },
      },
      {
        name: throughputRow,
        what: 'the large calls meanwhile, of what they reach alone',
        unit: 'share',
        found: lessDeviation(shares, largeControl),
        goal: { bar: 0.85, aim: 0.95 },
        spread: shares,
        control: largeControl,
        ...{ ours: null, ...common },
      },
    ] satisfies readonly Row[];
  },
};
