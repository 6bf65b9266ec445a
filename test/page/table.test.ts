// Tables: the columns of a result described once, as text, as HTML and as comma-separated values.
import test from 'ava';
import { markup } from '../../src/page/markup.js';
import {
  formatCsv,
  formatHtmlTable,
  formatTable,
  formatTextTable,
  select,
  type Columns,
} from '../../src/page/table.js';

interface Fruit {
  readonly name: string;
  readonly grams: number;
  readonly origin?: { readonly country: string; readonly kilometres: number };
}

const columns = {
  name: { title: 'fruit', value: ({ name }) => name },
  grams: {
    textTitle: 'g',
    value: ({ grams }) => grams,
    format: (grams) => grams.toFixed(1),
    textFormat: (grams) => grams.toFixed(2),
  },
  country: {
    value: ({ origin }) => origin?.country,
    show: ({ origin }) => origin && `from ${origin.country}`,
    showHtml: ({ origin }) => origin && markup`<b>${origin.country}</b>`,
  },
  kilometres: { value: ({ origin }) => origin?.kilometres },
  isLight: { value: ({ grams }) => grams < 50 },
  note: { value: ({ grams }) => (grams < 50 ? 'light' : null), isForPeople: true },
} satisfies Columns<Fruit>;

const fruits: readonly Fruit[] = [
  { name: 'plum', grams: 40.25, origin: { country: 'A & B', kilometres: 1200 } },
  { name: 'melon', grams: Number.NaN },
];
const some = select(columns, ['name', 'grams', 'country', 'kilometres']);
const lost = { name: 'lost', says: 'nobody knows where it is from' };
const markOf = ({ origin }: Fruit) => (origin === undefined ? lost : undefined);

test('columns are aligned, and lines carry no blanks at their end', (t) => {
  const rows = [
    ['a', '1', 'x'],
    ['long', '200', ''],
  ];
  t.is(formatTable(rows, ['left', 'right', 'left']), 'a       1  x\nlong  200');
});

test('text has a line a row, text to the left and numbers to the right, and nothing where there is no value', (t) => {
  t.is(
    formatTextTable({ columns: some, rows: fruits }),
    ['fruit      g  country     kilometres', 'plum   40.25  from A & B        1200', 'melon'].join('\n'),
  );
});

test('rows to be taken with care are marked in text', (t) => {
  const lines = formatTextTable({ columns: some, rows: fruits, markOf }).split('\n');
  t.deepEqual(
    lines.map((line) => line.slice(0, 7)),
    ['fruit  ', '  plum ', '~ melon'],
  );
});

test('HTML has the values to sort by, and a dash where there is none', (t) => {
  const { text } = formatHtmlTable({ columns: some, rows: fruits, markOf, caption: 'C', isSortable: true });
  t.true(text.includes('aria-label="C"><table class="sortable"><caption><span>C</span></caption>'));
  t.true(text.includes('<th scope="col" class="text">fruit</th><th scope="col">grams</th>'));
  t.true(
    text.includes(
      '<tr><th scope="row" class="text" data-value="plum">plum</th><td data-value="40.25">40.3</td><td class="text" data-value="A &amp; B"><b>A &amp; B</b></td><td data-value="1200">1200</td></tr>',
    ),
  );
  t.true(
    text.includes(
      '<tr class="unsure"><th scope="row" class="text" data-value="melon">melon <span class="sign">~ lost</span></th><td>–</td><td class="text">–</td><td>–</td></tr>',
    ),
  );
});

test('marks of rows are explained once below the table, and only those that are there', (t) => {
  const rows = [...fruits, ...fruits];
  const { text } = formatHtmlTable({ columns: some, rows, markOf });
  const sign = '<span class="sign">~ lost</span>';
  t.true(text.endsWith(`<p class="key"><span>${sign} nobody knows where it is from</span></p>`));
  t.is(text.split(sign).length, 4);
  t.notRegex(
    formatHtmlTable({ columns: some, rows: fruits.slice(0, 1), markOf }).text,
    /class="(?:key|sign)"/,
  );
});

test('cells of a table that becomes cards carry the titles of their columns', (t) => {
  const { text } = formatHtmlTable({ columns: some, rows: fruits, hasCards: true });
  t.true(text.includes('<table class="cards"><thead>'));
  t.true(text.includes('<th scope="row" class="text">plum</th><td data-title="grams">40.3</td>'));
  t.true(text.includes('<th scope="row" class="text">melon</th><td>–</td>'), 'but for those without a value');
});

test('a table that is not to be sorted has no values beside its texts', (t) => {
  const { text } = formatHtmlTable({ columns: some, rows: fruits, label: 'L', id: 'fruits', isWide: true });
  t.true(text.startsWith('<div class="scroll" id="fruits" tabindex="0" role="region" aria-label="L">'));
  t.true(text.includes('<table class="wide"><thead>'));
  t.notRegex(text, /data-value|sortable|caption/);
});

test('CSV has every column but those for people, exact values, and lines that end as RFC 4180 says', (t) => {
  const rows = [...fruits, { name: 'a "b",\nc', grams: 1 / 3 }];
  t.is(
    formatCsv<Fruit>(columns, rows.toSpliced(1, 1)),
    [
      'name,grams,country,kilometres,isLight\r\n',
      'plum,40.25,A & B,1200,true\r\n',
      `"a ""b"",\nc",${1 / 3},,,true\r\n`,
    ].join(''),
  );
  t.is(formatCsv<Fruit>(columns, []), 'name,grams,country,kilometres,isLight\r\n');
});
