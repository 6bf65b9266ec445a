// All rows, in the order in which they are measured.
import { besideRows } from './beside-rows.js';
import { callersRows } from './callers-rows.js';
import { peerRow } from './peer-rows.js';
import type { RowGroup } from './row.js';
import { tokenRow } from './token-row.js';

const sizes = [
  { modelDim: 512, heads: 8 },
  { modelDim: 768, heads: 12 },
  { modelDim: 1024, heads: 16 },
];
const lengths = [
  { tokens: 16, goal: { bar: 0.75, aim: 1.1 } },
  { tokens: 128, goal: { bar: 0.97, aim: 1.08 } },
];
const everyMs = 5;

const layerRows = lengths.flatMap(({ tokens, goal }) =>
  sizes.map(({ modelDim, heads }) => {
    const name = `${modelDim}/${heads}/${tokens}`;
    const work = { modelDim, heads, lengths: [tokens] };
    return peerRow({ name, what: name, work, manner: { kind: 'in a row' }, goal });
  }),
);

const clockRow = peerRow({
  name: 'every-5-ms',
  what: `512/8/32, a call every ${everyMs} ms`,
  work: { modelDim: 512, heads: 8, lengths: [32] },
  manner: { kind: 'by the clock', everyMs },
  goal: { bar: 0.75, aim: 1.1 },
});

const decodingRow = peerRow({
  name: 'decoding',
  what: '768/12, one token after 1,024 cached ones',
  work: { modelDim: 768, heads: 12, lengths: [1], cached: 1024 },
  manner: { kind: 'in a row' },
  goal: { bar: null, aim: 1.5 },
});

export const groups: readonly RowGroup[] = [
  ...layerRows,
  clockRow,
  tokenRow,
  decodingRow,
  callersRows,
  besideRows,
];
