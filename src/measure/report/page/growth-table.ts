// How cost grows along the axes of a grid, as a small table below the lines.
import type { GridLaws, GrowthLaw } from '../../grid/results.js';
import { absent } from '../../../page/figures.js';
import { formatExponent, growthRows, type GrowthRow } from '../growth-rows.js';
import { markup, nothing, when, type Markup } from '../../../page/markup.js';
import { formatCount } from '../../../page/table.js';

const caption =
  'How cost grows: the exponent b of a·x^b through the medians, by least squares on logarithms, where at least three configurations differ in nothing but x; below it the interval that holds b with 95 % confidence, and the exponent of the FLOP. Memory is that of cache and calls, without weights';

/** Nothing without laws. */
export function formatGrowthTable(laws: GridLaws): Markup {
  const rows = growthRows(laws);
  if (rows.length === 0) return nothing;
  return markup`<div class="scroll growth" id="growth" tabindex="0" role="region" aria-label="How cost grows"><table class="wide"><caption><span>${caption}</span></caption><thead><tr>${headings}</tr></thead><tbody>${rows.map(formatRow)}</tbody></table></div>`;
}

const headings = [
  markup`<th scope="col" class="text">growth of</th>`,
  ...['x', 'time', 'projections', 'attention', 'memory', 'parts equal at'].map(
    (title) => markup`<th scope="col">${title}</th>`,
  ),
];

function formatRow({ name, from, to, laws, crossover, isNoisy }: GrowthRow): Markup {
  const { time, projections, attention, memory } = laws;
  const exponents = [time, projections, attention, memory].map((law) => markup`<td>${formatLaw(law)}</td>`);
  const flopAt = crossover?.flopAt ?? null;
  const equal =
    crossover === undefined
      ? absent
      : [markup`${formatCount(crossover.at)} `, mutedFlop(flopAt, formatCount)];
  return markup`<tr${when(isNoisy, () => markup` class="unsure"`)}><th scope="row" class="text">${name}</th><td>${formatCount(from)} to ${formatCount(to)}</td>${exponents}<td>${equal}</td></tr>`;
}

function formatLaw(law: GrowthLaw | undefined): Markup {
  if (law === undefined) return markup`${absent}`;
  const { exponent, interval, flopExponent } = law;
  const range =
    interval === null ? '' : `${formatExponent(interval.low)} to ${formatExponent(interval.high)}`;
  return markup`${formatExponent(exponent)} ${muted(range)}${mutedFlop(flopExponent, formatExponent)}`;
}

function mutedFlop(value: number | null, format: (value: number) => string): Markup {
  return muted(value === null ? '' : `FLOP ${format(value)}`);
}

function muted(text: string): Markup {
  return when(text !== '', () => markup`<span class="muted">${text}</span>`);
}
