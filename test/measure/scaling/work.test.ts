// Works can be cut along their axis and along nothing else, and grow as they should.
import test from 'ava';
import { outsideBytes, planCase } from '../../../src/measure/cases/plan.js';
import { scalingAxes, type ScalingAxis } from '../../../src/measure/scaling/results.js';
import { shapeOf, sizeFor, workOf } from '../../../src/measure/scaling/work.js';
import { unitWords } from '../../../src/core/protocol/tables.js';

type Words = readonly [
  entry: number,
  firstHead: number,
  endHead: number,
  firstQuery: number,
  endQuery: number,
];

function attendUnits(axis: ScalingAxis, size: number): Words[] {
  const { units } = planCase(shapeOf(workOf(axis, size))).phases.find(({ name }) => name === 'attend')!;
  return Array.from({ length: units.length / unitWords }, (_, n) => {
    return [...units.subarray(n * unitWords, (n + 1) * unitWords)] as unknown as Words;
  });
}

const along: Readonly<Record<ScalingAxis, (words: Words) => number>> = {
  sequences: ([entry]) => entry,
  heads: ([, head]) => head,
  queries: ([, , , query]) => query,
};

for (const axis of scalingAxes) {
  test(`by ${axis}, attention has a unit for each, and all of them differ there only`, (t) => {
    for (const size of [1, 2, 7, 30]) {
      const units = attendUnits(axis, size);
      t.is(units.length, size);
      t.is(new Set(units.map(along[axis])).size, size);
      for (const other of scalingAxes) {
        if (other !== axis) t.is(new Set(units.map(along[other])).size, 1, `${size}: ${other}`);
      }
    }
  });

  test(`by ${axis}, projections have units enough for every unit of attention`, (t) => {
    for (const size of [2, 7, 30]) {
      for (const { name, unitFlop } of planCase(shapeOf(workOf(axis, size))).phases)
        t.true(unitFlop.length >= size, `${name} of ${size}`);
    }
  });

  test(`by ${axis}, work is counted as the planner counts it`, (t) => {
    for (const size of [1, 5, 16]) {
      const { phases } = planCase(shapeOf(workOf(axis, size)));
      t.deepEqual(
        phases.map(({ name }) => name),
        ['project', 'attend', 'output'],
      );
      const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
      t.is(sum(phases.map(({ flop }) => flop)), workOf(axis, size).flop);
      for (const { unitCount, unitFlop } of phases) t.is(unitFlop.length, unitCount);
      for (const { flop, unitFlop } of phases) t.is(sum([...unitFlop]), flop);
    }
  });

  test(`by ${axis}, the size is that of the nearest work`, (t) => {
    t.is(sizeFor(axis, 0), 1);
    for (const size of [1, 2, 3, 17, 100]) {
      const { flop } = workOf(axis, size);
      t.is(sizeFor(axis, flop), size);
      t.is(sizeFor(axis, flop * 1.0001), size);
      const next = workOf(axis, size + 1).flop;
      t.is(sizeFor(axis, 0.6 * next + 0.4 * flop), size + 1);
    }
  });
}

test('memory is told without using it', (t) => {
  const shape = shapeOf(workOf('heads', 200));
  const { engineBytes } = planCase(shape);
  // 4 weights [12800, 12800] with biases, 96 rows of them as input, and two outputs.
  t.is(outsideBytes(shape), 4 * (12_800 ** 2 + 12_800) * 4 + 3 * 96 * 12_800 * 4);
  t.true(engineBytes > 4 * 12_800 ** 2 * 4 && engineBytes < 1.2 * 4 * 12_800 ** 2 * 4);
});
