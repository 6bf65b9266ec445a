// The phases of a call put together to the parts of a layer.
import test from 'ava';
import { partsOf } from '../../../src/measure/grid/cells.js';
import { caseOf } from './grid-case.js';

const phaseMs = { project: 1, append: 0.125, decode: 2, merge: 0.25, output: 0.5 };

test('projections are the products with weights, attention is what lies between', (t) => {
  t.deepEqual(partsOf({ case: caseOf({ mode: 'decode' }), phaseMs }), { projections: 1.5, attention: 2.375 });
  t.deepEqual(partsOf({ case: caseOf(), phaseMs: { attend: 3 } }), { projections: 0, attention: 3 });
});

test('attention alone has no parts, and neither has what was not timed by phases', (t) => {
  t.is(partsOf({ case: caseOf({ mode: 'attention' }), phaseMs: { attend: 3 } }), null);
  t.is(partsOf({ case: caseOf(), phaseMs: {} }), null);
});
