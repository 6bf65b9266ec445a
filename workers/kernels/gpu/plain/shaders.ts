// The plain kernels, translated when first asked for: of each what kinds its arguments are.
import { baseOf, findMaximum, sumExponentials, sumValues, weighKeys } from './kernels/softmax.js';
import { exponential, halved, hyperbolicTangent } from './kernels/numbers.js';
import { addHeads, copyRows, fillRows, multiplyRows } from './kernels/rows.js';
import { capScores, findAttended, leaveOut, multiplyKeys, placeScores } from './kernels/scores.js';
import {
  findContribution,
  findDistance,
  findEntropy,
  findLargest,
  findNorm,
  findWeight,
} from './kernels/statistics.js';
import { translate } from './translate.js';

const exponentials = [exponential, halved];

function translateAll() {
  return {
    findAttended: translate(findAttended, {
      mask: 'bytes',
      leftOut: 'minusInfinities',
      keys: 'integer',
      position: 'integer',
      left: 'integer',
      right: 'integer',
    }),
    multiplyKeys: translate(multiplyKeys, {
      query: 'floats',
      key: 'floats',
      headDim: 'integer',
      scale: 'number',
    }),
    capScores: translate(capScores, { scores: 'floats', softcap: 'number' }, [
      hyperbolicTangent,
      ...exponentials,
    ]),
    placeScores: translate(placeScores, {
      scores: 'floats',
      slopes: 'floats',
      bias: 'floats',
      keys: 'integer',
      position: 'integer',
    }),
    leaveOut: translate(leaveOut, { scores: 'floats', attended: 'floats', instead: 'number' }),
    findMaximum: translate(findMaximum, {
      scores: 'floats',
      attended: 'floats',
      sinks: 'floats',
      columns: 'integer',
    }),
    sumExponentials: translate(
      sumExponentials,
      { scores: 'floats', attended: 'floats', sinks: 'floats', maxima: 'floats', columns: 'integer' },
      [baseOf, ...exponentials],
    ),
    weighKeys: translate(
      weighKeys,
      { scores: 'floats', attended: 'floats', maxima: 'floats', sums: 'floats' },
      [baseOf, ...exponentials],
    ),
    sumValues: translate(sumValues, {
      weights: 'floats',
      attended: 'floats',
      value: 'floats',
      extraValue: 'floats',
      factors: 'floats',
      keys: 'integer',
      extraKeys: 'integer',
    }),
    multiplyRows: translate(multiplyRows, { rows: 'floats', panels: 'floats', depth: 'integer' }),
    copyRows: translate(copyRows, { rows: 'floats', factor: 'number' }),
    addHeads: translate(addHeads, {
      before: 'floats',
      rows: 'floats',
      heads: 'integer',
      share: 'number',
    }),
    fillRows: translate(fillRows, { number: 'number' }),
    findEntropy: translate(findEntropy, { weights: 'floats', columns: 'integer' }),
    findDistance: translate(findDistance, { weights: 'floats', keys: 'integer', position: 'integer' }),
    findWeight: translate(findWeight, {
      weights: 'floats',
      keys: 'integer',
      first: 'integer',
      step: 'integer',
    }),
    findLargest: translate(findLargest, { numbers: 'floats', columns: 'integer' }),
    findNorm: translate(findNorm, { rows: 'floats', columns: 'integer' }),
    findContribution: translate(findContribution, {
      rows: 'floats',
      gram: 'floats',
      valueDim: 'integer',
    }),
  };
}

let translated: ReturnType<typeof translateAll> | undefined;

export function plainKernels(): ReturnType<typeof translateAll> {
  translated ??= translateAll();
  return translated;
}
