// A finished chart, and the two ways it leaves: inside a page, or as a file of its own.
import { markup, Markup } from '../markup.js';
import { wrapText } from './text-width.js';
import { formatStyle } from './theme.js';

/** What a chart says of itself. */
export interface ChartText {
  /** Of its file, without extension: letters, digits and dashes. */
  readonly name: string;
  readonly title: string;
  /** The title below a heading that says the rest of it. */
  readonly heading: string;
  /** Below the heading; '' for none. */
  readonly caption: string;
  /** What is drawn, in a sentence. */
  readonly description: string;
}

export interface Chart extends ChartText {
  readonly width: number;
  readonly height: number;
  readonly drawing: Markup;
}

/** All charts are as wide: at 390 pixels their text is still 11 pixels high, and two of them fit beside each other. */
export const chartWidth = 460;

/** The svg element for a page that has the theme's custom properties and `chartRules`. */
export function formatInline({ name, title, description, width, height, drawing }: Chart): Markup {
  return markup`<svg class="chart" data-chart="${name}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}"><title>${title}</title><desc>${description}</desc>${drawing}</svg>`;
}

const margin = 18;
const captionHeight = 18;

/** A complete SVG document with both themes, its title and caption above the drawing. */
export function formatFile(chart: Chart): string {
  const { name, title, description, caption, drawing } = chart;
  // Text of files is smaller than what layouts leave room for.
  const lines = wrapText(caption, chart.width * 1.15);
  const head = 34 + lines.length * captionHeight;
  const width = chart.width + 2 * margin;
  const height = chart.height + head + 2 * margin;
  const captions = lines.map(
    (line, index) => markup`<text x="${margin}" y="${margin + 34 + index * captionHeight}">${line}</text>`,
  );
  return markup`<svg xmlns="http://www.w3.org/2000/svg" class="chart" data-chart="${name}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}">
<title>${title}</title>
<desc>${description}</desc>
<style>${new Markup(formatStyle())}</style>
<rect class="page" width="${width}" height="${height}"/>
<text class="title" x="${margin}" y="${margin + 12}">${title}</text>${captions}
<g transform="translate(${margin},${margin + head})">${drawing}</g>
</svg>
`.text;
}

/** Words as the name of a file: nothing in it can lead out of a folder. */
export function nameOf(...words: readonly (string | number)[]): string {
  return words
    .join('-')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
