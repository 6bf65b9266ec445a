// JSON in pieces, held against JSON.parse.
import test from 'ava';
import { finish } from '../../src/core/steps.js';
import { parseJson } from '../../src/files/parse-json.js';
import { createDraw, type Draw } from '../fuzz/draw.js';
import { damageText } from '../fuzz/damage/text.js';

const blank = (draw: Draw): string => draw.pick(['', '', ' ', '\n', '\t \r\n']);
const scalars = [
  '1',
  '-2.5e3',
  'true',
  'null',
  '""',
  '"a,]}{["',
  '"\\"\\\\"',
  '"ü\\u00e9"',
  `"${'x'.repeat(30)}"`,
];
const keys = ['a', 'b', '7', '1', '__proto__', 'constructor', 'a long key with "quotes\\" in it'];

const drawText = (draw: Draw, depth = 0): string => {
  const around = (text: string): string => blank(draw) + text + blank(draw);
  if (depth === 4 || (depth > 0 && draw.isLucky(0.4))) return around(draw.pick(scalars));
  const elements = Array.from({ length: draw.below(6) }, () => drawText(draw, depth + 1));
  if (draw.isLucky(0.5)) return around(`[${elements.join()}${elements.length === 0 ? blank(draw) : ''}]`);
  const members = elements.map((text) => `${around(JSON.stringify(draw.pick(keys)))}:${text}`);
  return around(`{${members.join()}}`);
};

const outcomeOf = (parse: () => unknown): unknown => {
  try {
    return { value: parse() };
  } catch (error) {
    return { isSyntaxError: error instanceof SyntaxError };
  }
};

test('Texts in pieces of any length are what JSON.parse makes of them, damaged ones too', (t) => {
  const counts = { taken: 0, refused: 0 };
  for (let seed = 0; seed < 4000; seed++) {
    const draw = createDraw(seed);
    let text = drawText(draw);
    if (draw.isLucky(0.5)) text = damageText(text, draw);
    // So many levels are refused.
    if (/[[{]{20}/.test(text.replaceAll(/["\s:a]/g, ''))) continue;
    const expected = outcomeOf(() => JSON.parse(text) as unknown);
    for (const length of [1, 5, 20, 100]) {
      const found = outcomeOf(() => finish(parseJson(text, length)));
      t.deepEqual(found, expected, `${length}: ${text}`);
      if (JSON.stringify(found) !== JSON.stringify(expected)) return;
    }
    counts['value' in (expected as object) ? 'taken' : 'refused']++;
  }
  t.true(counts.taken > 1000 && counts.refused > 500, JSON.stringify(counts));
});

test('Errors say where the piece begins, and long values in long ones end somewhere', (t) => {
  const text = `[${'1,'.repeat(2 ** 17)}x]`;
  t.throws(() => finish(parseJson(text)), {
    instanceOf: SyntaxError,
    message: /in what begins at character \d+/,
  });
  t.throws(() => finish(parseJson('['.repeat(2 ** 20))), {
    instanceOf: SyntaxError,
    message: /more than 32 times/,
  });
  t.throws(() => finish(parseJson(`[${' '.repeat(2 ** 18)}`)), { instanceOf: SyntaxError });
  t.deepEqual(finish(parseJson(`[${' '.repeat(2 ** 18)}]`)), []);
  t.is(finish(parseJson(`"${'a'.repeat(2 ** 18)}"`)), 'a'.repeat(2 ** 18));
});
