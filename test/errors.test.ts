// Messages about wrong values: whatever a caller passes is described, never tripped over.
import test from 'ava';
import { expected } from '../src/core/errors.js';

const circle: unknown[] = [];
circle.push(circle);

/** A proxy that answers nothing. */
function throwing(target: object = {}): unknown {
  const refuse = (): never => {
    throw new Error('not yours to read');
  };
  return new Proxy(target, { get: refuse, has: refuse, getPrototypeOf: refuse });
}

for (const [value, description] of [
  [undefined, 'nothing'],
  [null, '`null`'],
  ['x', '`"x"` (string)'],
  [3n, '`3n` (bigint)'],
  [NaN, '`NaN` (number)'],
  [[1, 2], '`[1,2]` (array)'],
  [[1n], 'an array of 1'],
  [[circle, 1], 'an array of 2'],
  [new Float32Array(3), 'a Float32Array of 3'],
  [new Map(), 'an object (Map)'],
  [Object.create(null), 'an object without prototype'],
  [Object.create({ constructor: null }), 'an object (of no class)'],
  [Symbol('x'), 'a symbol'],
  [throwing(), "a value that can't be read"],
  [throwing([]), "a value that can't be read"],
  ['x'.repeat(1e6), `\`"${'x'.repeat(76)}…\` (string)`],
  [new Array(1e6).fill(7), `\`[${'7,'.repeat(38)}…\` (array)`],
] as const) {
  test(`${Array.isArray(value) ? 'a list' : typeof value} is described as ${description}`, (t) => {
    const { code, message } = expected('INVALID_OPTION', 'a number', 'name', value);
    t.is(code, 'INVALID_OPTION');
    t.is(message, `Expected a number for \`name\`, got ${description}`);
  });
}
