// Pieces that pages are made of: headline figures, facts, charts in pairs, what stands beside them, and notes.
import { formatInline, type Chart } from './charts/chart.js';
import { markup, nothing, when, type Markup } from './markup.js';

export interface Tile {
  readonly title: string;
  readonly figure: string;
  readonly unit?: string;
  readonly detail: string;
}

export function formatTiles(tiles: readonly Tile[]): Markup {
  const items = tiles.map(
    ({ title, figure, unit = '', detail }) =>
      markup`<div class="tile"><dt>${title}</dt><dd class="figure">${figure} <span class="unit">${unit}</span></dd><dd class="detail">${detail}</dd></div>`,
  );
  return markup`<dl class="tiles">${items}</dl>`;
}

export type Fact = readonly [name: string, value: string];

export function formatFacts(facts: readonly Fact[]): Markup {
  const items = facts.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`);
  return markup`<dl class="facts">${items}</dl>`;
}

/** Charts in pairs, and what may stand beside the last one. */
export function formatFigures(charts: readonly Chart[], aside: Markup = nothing): Markup {
  return markup`<div class="figures">${charts.map(formatFigureOf)}${aside}</div>`;
}

function formatFigureOf(chart: Chart): Markup {
  return markup`<figure><figcaption><h3>${chart.heading}</h3>${when(chart.caption !== '', () => markup`<p>${chart.caption}</p>`)}</figcaption>${formatInline(chart)}</figure>\n`;
}

export function formatAside(title: string, text: string, content: Markup): Markup {
  return markup`<div class="aside"><h3>${title}</h3><p>${text}</p>${content}</div>`;
}

export interface Section {
  readonly id: string;
  readonly title: string;
  /** One or two sentences below the title. */
  readonly text?: string;
  readonly content: Markup;
}

export function formatSection({ id, title, text = '', content }: Section): Markup {
  return markup`<section id="${id}"><h2>${title}</h2>${when(text !== '', () => markup`<p>${text}</p>`)}${content}</section>\n`;
}

export function formatNotes(notes: readonly string[]): Markup {
  return markup`<ul class="notes">${notes.map((note) => markup`<li>${note}</li>`)}</ul>`;
}
